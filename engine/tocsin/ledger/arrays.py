"""What arrays of the ledger hold."""

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]
Seconds = NDArray[np.int64]
"""Unix times, or lengths."""
