"""The product as it runs: its real processes, real peers (Alertmanager, an SMTP server, sockets), real signals that kill."""
