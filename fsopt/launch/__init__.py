"""Job scripts: what each batch system wants to be told, and handing it over."""
