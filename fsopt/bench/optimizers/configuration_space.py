"""A space for packages that use ConfigSpace."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from fsopt.bench.functions.base import Values
from fsopt.bench.optimizers.dials import Dial, activating_values, assemble, dials_of
from fsopt.space import Space

if TYPE_CHECKING:
    from ConfigSpace import ConfigurationSpace


class Translation:
    """A space, and configurations in both directions. Constraints are left out.

    Args:
        space: The space; each condition must be a choice of one parameter's values.
        seed: Of the ConfigurationSpace.

    Raises:
        EvaluationError: If a condition is another one.
    """

    def __init__(self, space: Space, seed: int) -> None:
        from ConfigSpace import ConfigurationSpace, InCondition

        self._space = space
        self._dials = dials_of(space)
        self.made: ConfigurationSpace = ConfigurationSpace(seed=seed)
        """The ConfigurationSpace."""
        self.made.add([_parameter(dial) for dial in self._dials])
        by_name = {dial.parameter.name: dial for dial in self._dials}
        for name in space.conditions:
            parent, values = activating_values(space, name)
            dial = by_name[parent.name]
            labels = [_label(dial, dial.position(value)) for value in values]
            self.made.add(InCondition(self.made[name], self.made[parent.name], labels))

    def params(self, given: Mapping[str, Any]) -> Values:
        """The configuration; of what is inactive, nothing or anything may be given."""
        return assemble(self._space, self._dials, lambda dial: given[dial.parameter.name])

    @property
    def lowest(self) -> dict[str, Any]:
        """The least value of each parameter."""
        return {dial.parameter.name: _label(dial, dial.low) for dial in self._dials}

    def positions(self, params: Values) -> dict[str, Any]:
        """The configuration as these packages take it."""
        return {
            dial.parameter.name: _label(dial, dial.position(params[dial.parameter.name]))
            for dial in self._dials
            if dial.parameter.name in params
        }


def _label(dial: Dial, position: float) -> str | float:
    """A position as a value in ConfigSpace, where choices are texts."""
    return str(position) if dial.kind == "choice" else position


def _parameter(dial: Dial) -> Any:
    import ConfigSpace

    name = dial.parameter.name
    if dial.kind == "real":
        return ConfigSpace.Float(name, (dial.low, dial.high), log=dial.log)
    if dial.kind == "integer":
        return ConfigSpace.Integer(name, (int(dial.low), int(dial.high)), log=dial.log)
    return ConfigSpace.Categorical(name, [str(level) for level in range(int(dial.high) + 1)])
