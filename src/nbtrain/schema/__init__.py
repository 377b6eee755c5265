"""The machinery of configurations: sections, families, fields, codec, reference. It knows no setting of its own."""

from nbtrain.schema.codec import Format, canonical, hash_of
from nbtrain.schema.difference import Difference, changes, differences
from nbtrain.schema.family import Family
from nbtrain.schema.fields import Field, fields
from nbtrain.schema.section import Choice, Section, field

__all__ = [
    "Choice",
    "Difference",
    "Family",
    "Field",
    "Format",
    "Section",
    "canonical",
    "changes",
    "differences",
    "field",
    "fields",
    "hash_of",
]
