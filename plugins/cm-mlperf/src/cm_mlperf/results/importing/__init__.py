"""Taking over published results: tables, results repositories, submission trees."""
