"""What several checks read out of expressions and definitions; no checks themselves."""
