"""What becomes of findings after checks: hidden in place with a reason, given another severity, known from before.

Checks know nothing of this. Errors are left alone by all of it.
"""

from tocsin.policy.baseline import Baseline, baseline_text
from tocsin.policy.fixing import fixed
from tocsin.policy.owners import Owners
from tocsin.policy.settle import Terms, settle, told
from tocsin.policy.severity import LEVELS

__all__ = ["LEVELS", "Baseline", "Owners", "Terms", "baseline_text", "fixed", "settle", "told"]
