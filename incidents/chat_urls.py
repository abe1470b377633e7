"""Buttons in chat messages, and who somebody is there. Their names stand alone, as those of the other pages of one's account."""

from django.urls import path

from incidents.views import chat

urlpatterns = [
    path("chat/act/", chat.chat_act, name="chat_act"),
    path("accounts/chat/", chat.chat_accounts, name="chat_accounts"),
    path("accounts/chat/<int:pk>/end/", chat.chat_account_end, name="chat_account_end"),
    path("accounts/chat/<str:token>/", chat.chat_account, name="chat_account"),
]
