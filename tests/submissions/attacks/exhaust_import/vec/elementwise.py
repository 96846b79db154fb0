"""Never there."""

import itertools

0 in itertools.repeat(1)
