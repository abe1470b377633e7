"""The demo organisation: Brightquay Operations and twelve months of its incidents (docs/configuration-as-code.md,
`manage.py demo`).

`organisation.yaml` is applied as any configuration is. `author` decides what happened and who did what, from a seed;
`casebook` turns that into rows with the pure cores and the value-making parts of the services, as the services would
have written them (a test compares the two), and `ledger_order` puts everything into the database in one go.
"""
