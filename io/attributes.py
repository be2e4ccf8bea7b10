"""Attributes of HDF5 groups and datasets: enumerations, text of any length."""

from collections.abc import Mapping
from typing import Any, NamedTuple

import h5py
import numpy as np

LONGEST = 60_000
"""Bytes of the longest attribute; HDF5 keeps no more than 64 KiB."""


class Enum(NamedTuple):
    """The value of an enumerated attribute, and the names it can have."""

    value: int
    names: Mapping[str, int]


def attach(place: h5py.Group | h5py.Dataset, name: str,
           value: Any) -> None:
    """Set one attribute; a long one becomes a dataset inside the group."""
    if isinstance(value, Enum):
        dtype = h5py.enum_dtype(dict(value.names), basetype='u1')
        place.attrs.create(name, value.value, dtype=dtype)
        return

    text = isinstance(value, str)
    data = value.encode() if text else np.asarray(value)
    if (len(data) if text else data.nbytes) <= LONGEST:
        place.attrs[name] = value
        return

    if isinstance(place, h5py.Dataset):
        raise ValueError(f'{place.name}: attribute {name} is too long')
    dtype = h5py.string_dtype('utf-8', len(data)) if text else data.dtype
    place.create_dataset(name, data=data, dtype=dtype)
    place[name].attrs['long'] = np.int8(1)


def read(place: h5py.Group | h5py.Dataset) -> dict[str, Any]:
    """Return what :func:`attach` wrote, the long ones included."""
    values = dict(place.attrs)
    if isinstance(place, h5py.Group):
        for name, item in place.items():
            if isinstance(item, h5py.Dataset) and 'long' in item.attrs:
                value = item[()]
                values[name] = (value.decode() if isinstance(value, bytes)
                                else value)
    return values
