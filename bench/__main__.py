"""Run every benchmark, print its table, and keep the numbers in .bench/ as JSON."""

import json
import platform
import sys
from pathlib import Path

from bench import check_speed, compile_speed, proof_speed

OUTPUT = Path(".bench")


def main() -> int:
    """Measure, print, keep."""
    sizes = tuple(int(size) for size in sys.argv[1:]) or compile_speed.SIZES
    result = compile_speed.run(sizes)
    print(compile_speed.table(result))
    checked = check_speed.run()
    print(f"\n{check_speed.table(checked)}")
    proved = proof_speed.run()
    print(f"\n{proof_speed.table(proved)}")
    OUTPUT.mkdir(exist_ok=True)
    target = OUTPUT / "compile.json"
    about = {
        "python": platform.python_version(),
        "machine": platform.machine(),
        "compile": result,
        "check": checked,
        "proofs": proved,
    }
    target.write_text(json.dumps(about, indent=2) + "\n", encoding="utf-8")
    print(f"\nkept in {target}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
