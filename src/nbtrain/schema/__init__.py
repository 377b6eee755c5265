"""The machinery of configurations: sections, families, fields, codec, reference. It knows no setting of its own."""

from nbtrain.schema.codec import Format, canonical, hash_of
from nbtrain.schema.family import Family
from nbtrain.schema.fields import Field, fields
from nbtrain.schema.section import Choice, Section, field

__all__ = ["Choice", "Family", "Field", "Format", "Section", "canonical", "field", "fields", "hash_of"]
