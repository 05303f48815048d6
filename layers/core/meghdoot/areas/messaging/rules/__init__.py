"""What messaging decides: the same answer for the same input. `now` is an argument."""
