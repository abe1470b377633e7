"""Django's own commands about accounts, with their entries in the ledger. An application by itself, without models: commands of the
one that is named first win, and `oncall` comes after `django.contrib.auth`.
"""
