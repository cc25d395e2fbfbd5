"""What people see of a study: tables, summaries, progress. Reads; decides nothing."""
