"""Results: their one form, how they are shown, compared and taken over from elsewhere."""
