"""A family: one place in a configuration that may hold one of several kinds, each kind one class.

    class Optimizer(Family): ...                                    # the root; fields shared by all kinds
    class AdamW(Optimizer, kind="adamw", label="AdamW"): ...        # a kind: settings, text, limits and build()

Defining the class is the whole registration. In JSON a kind is ``{"kind": "adamw", "lr": …}``. This file knows how
kinds are found and switched; it does not know what any kind does.
"""

from __future__ import annotations

from typing import Any, ClassVar, Self

from pydantic import GetCoreSchemaHandler, SerializerFunctionWrapHandler, model_serializer, model_validator
from pydantic_core import CoreSchema, PydanticCustomError, core_schema

from nbtrain.errors import ConfigError
from nbtrain.schema.section import Section, under, unknown


class Family(Section):
    """Base of all families. A direct subclass is a root; a subclass of that, given a ``kind``, is one of its kinds."""

    kind: ClassVar[str] = ""
    root: ClassVar[type[Family]]
    _registry: ClassVar[dict[str, type[Family]]]

    def __init_subclass__(cls, kind: str = "", label: str = "", **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        if Family in cls.__bases__:
            cls.root, cls._registry = cls, {}
        if kind:
            cls.kind, cls.label = kind, label or kind
            cls._registry[kind] = cls

    @classmethod
    def __pydantic_init_subclass__(cls, kind: str = "", label: str = "", **kwargs: Any) -> None:
        super().__pydantic_init_subclass__(**kwargs)

    @classmethod
    def kinds(cls) -> dict[str, type[Self]]:
        """Return the kinds of this family by name, in the order in which they were defined."""
        return dict(cls._registry)  # type: ignore[arg-type]

    @classmethod
    def __get_pydantic_core_schema__(cls, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        if not cls._is_root():
            return handler(source)
        # Looked up at validation, not at definition: a kind made later, in a notebook cell, is found too.
        return core_schema.no_info_plain_validator_function(
            cls._coerced, serialization=core_schema.plain_serializer_function_ser_schema(lambda part: part.plain())
        )

    @classmethod
    def _is_root(cls) -> bool:
        return cls.__dict__.get("root") is cls

    @classmethod
    def _coerced(cls, value: Any) -> Any:
        if isinstance(value, cls) and not type(value)._is_root():
            return value
        return cls.parse({"kind": value} if isinstance(value, str) else value)

    @classmethod
    def of(cls, kind: Any) -> type[Self]:
        """Return the class of ``kind``; raises ConfigError with the nearest known kinds."""
        found = cls._registry.get(kind) if isinstance(kind, str) else None
        if found is None:
            raise ConfigError([unknown("kind", str(kind), list(cls._registry))])
        return found  # type: ignore[return-value]

    @classmethod
    def parse(cls, plain: Any, path: str = "") -> Self:
        """Return the kind that ``plain`` describes; on the root, ``plain["kind"]`` chooses the class."""
        if not cls._is_root():
            return super().parse(plain, path)
        kind = plain.get("kind") if isinstance(plain, dict) else None
        try:
            made = cls.of(kind)
        except ConfigError as error:
            raise ConfigError([under(path, problem) for problem in error.problems]) from None
        return made.parse(plain, path)

    @model_validator(mode="before")
    @classmethod
    def _without_kind(cls, plain: Any) -> Any:
        if not isinstance(plain, dict) or "kind" not in plain:
            return plain
        if plain["kind"] != cls.kind:
            raise PydanticCustomError("unknown_kind", "this kind does not belong here")
        return {name: value for name, value in plain.items() if name != "kind"}

    @model_serializer(mode="wrap")
    def _with_kind(self, serialise: SerializerFunctionWrapHandler) -> dict[str, Any]:
        return {"kind": self.kind, **serialise(self)}

    def set(self, path: str, value: Any) -> Self:
        """Return a copy with ``value`` at ``path``; setting ``kind`` switches to that kind (see :meth:`switched`)."""
        return self.switched(value) if path == "kind" else super().set(path, value)

    def switched(self, kind: str) -> Self:
        """Return the ``kind`` with its defaults; what a person set is carried over where it means the same.

        That is where all kinds have the field, and both kinds the same default: a learning rate that suits AdamW is
        none for SGD.
        """
        made = type(self).root.of(kind)
        if made is type(self):
            return self
        shared = (name for name in type(self).root.model_fields if made.default(name) == self.default(name))
        return made(**{name: getattr(self, name) for name in shared})  # type: ignore[return-value]

    @classmethod
    def default(cls, name: str) -> Any:
        """Return the default value of the field called ``name``."""
        return cls.model_fields[name].get_default(call_default_factory=True)
