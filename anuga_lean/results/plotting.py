"""Computes what an SWW_plotter shows of a frame, some triangles at a time.

Owns the frames of ANUGA's FrameArray, which has its quantities stream by itself; the rows it
keeps of a file are of one frame (`doors`).
"""

from __future__ import annotations

from typing import Any

import numpy as np

from anuga_lean.results.frames import Places, spans


def frame_of(self: Any, index: int) -> Any:
    """Return a frame of a FrameArray, and keep it; `_frame` of ANUGA 4.1.0."""
    index = range(self.shape[0])[index]
    if index in self._frames:
        self._frames.move_to_end(index)
        return self._frames[index]
    if _looks_at_whole_rows(self._compute):
        data = self._compute(lambda name: self._source.frame(name, index))
    else:
        found = Places(self.shape[1])
        for span in spans(self.shape[1]):
            found.put(0, span, self._compute(
                lambda name, span=span: self._source.frame(name, index)[span]))
        data = found.array()
    self._frames[index] = data
    if len(self._frames) > self.CACHED_FRAMES:
        self._frames.popitem(last=False)
    return data


def _looks_at_whole_rows(compute: Any) -> bool:
    """Return whether a quantity is made with an array of all triangles, as changes of the bed."""
    return any(isinstance(cell.cell_contents, np.ndarray)
               for cell in getattr(compute, "__closure__", None) or ())
