// SPDX-License-Identifier: LGPL-2.1-or-later

//go:build tools

// Names the program that go.mod pins: nothing of our own is built here.
package tools

import _ "github.com/fsouza/fake-gcs-server"
