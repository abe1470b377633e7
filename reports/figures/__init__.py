"""The figures managers steer by: each defined once, kept up to date from the ledger, counted exactly over any range.

`definitions` says what each metric means; `facts` turns what is known of one incident into its figures; `columns` packs
the figures of a day; `counting` counts them. Those four are pure. `gathering` reads what they need, `keeping` writes
what they found, `reading` answers a page.
"""
