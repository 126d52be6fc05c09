"""What an objective or an alert means, as facts, words and charts; all of it pure."""
