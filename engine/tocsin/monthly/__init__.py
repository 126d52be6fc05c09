"""The report of one contract over one calendar month: figures, and the same as JSON, CSV and HTML."""
