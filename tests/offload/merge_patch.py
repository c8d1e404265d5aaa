"""Hosts from JSON: one base host, and what is different in a case."""

from __future__ import annotations

from typing import Any

from hydrate import hydrate

from eswitch.model.observed import ObservedState


def observed_from(data: dict[str, Any]) -> ObservedState:
    """A whole observed state; a patch cannot say null, so a link without a carrier has None."""
    links = [{"carrier": None, "mac": None, **link} for link in data["links"]]
    return hydrate(ObservedState, {**data, "links": links})


def patched(base: Any, change: Any) -> Any:
    """JSON merge patch (RFC 7396), with two additions.

    A list is patched element by element when the change is an object: its keys are the elements'
    `name`, `netdev`, `representor` or place. `{"reason": ..}` (Unknown) replaces what was there.
    """
    if isinstance(base, list) and isinstance(change, dict):
        return _patched_list(base, change)
    if not isinstance(change, dict) or not isinstance(base, dict) or set(change) == {"reason"}:
        return change
    result = dict(base)
    for key, value in change.items():
        if value is None:
            result.pop(key, None)
        else:
            result[key] = patched(result.get(key, {}), value)
    return result


def _patched_list(base: list[Any], change: dict[str, Any]) -> list[Any]:
    result = list(base)
    for key, value in change.items():
        place = next(
            (
                number
                for number, item in enumerate(base)
                if key in (str(number), *(item.get(n) for n in ("name", "netdev", "representor")))
            ),
            None,
        )
        if place is None:
            raise KeyError(f"nothing here is called {key}")
        result[place] = None if value is None else patched(base[place], value)
    return [item for item in result if item is not None]
