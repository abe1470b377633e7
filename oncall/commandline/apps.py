from django.apps import AppConfig


class CommandlineConfig(AppConfig):
    name = "oncall.commandline"
    label = "oncall_commandline"
