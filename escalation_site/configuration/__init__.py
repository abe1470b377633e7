"""Configuration as code: a YAML file says what there should be, `manage.py apply` makes it so
(docs/configuration-as-code.md).

`document` reads the file and knows the line of everything in it; `kinds` holds one module for each kind of object;
`applying` compares the file with the database and writes the difference in one transaction.
"""
