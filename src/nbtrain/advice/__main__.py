"""``python -m nbtrain.advice`` prints the page of rules, for docs/advice.md."""

import sys

from nbtrain.advice.reference import reference

sys.stdout.write(reference())
