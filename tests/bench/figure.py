# SPDX-License-Identifier: LGPL-2.1-or-later
"""One row of the table."""

from dataclasses import dataclass


@dataclass
class Figure:
    """A measured value and what it should be. Without a goal it is told so that
    the others can be understood."""

    name: str
    value: float
    at_most: float = None
    at_least: float = None
    unit: str = ''

    @property
    def measured(self):
        return f'{self.value:.2f}{self.unit}'

    @property
    def goal(self):
        if self.at_most is not None:
            return f'<= {self.at_most:g}{self.unit}'
        if self.at_least is not None:
            return f'>= {self.at_least:g}{self.unit}'
        return ''

    @property
    def verdict(self):
        if self.at_most is not None:
            return 'met' if self.value <= self.at_most else 'missed'
        if self.at_least is not None:
            return 'met' if self.value >= self.at_least else 'missed'
        return ''
