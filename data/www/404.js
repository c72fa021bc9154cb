// SPDX-License-Identifier: LGPL-2.1-or-later

// The page of addresses that lead nowhere.

import { t } from './i18n.js';
import { startShell } from './shell.js';

await startShell();
document.title = `${t('common.missingTitle')} – Wishcast`;
