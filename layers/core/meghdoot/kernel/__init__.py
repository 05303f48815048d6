"""What three or more areas use and what knows none of them."""
