"""What is kept: the tables, the database behind them, and what is written and read by name."""
