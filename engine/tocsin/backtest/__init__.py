"""What a change would have done on history: which incidents were told of, how soon, and how often for nothing."""
