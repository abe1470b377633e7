"""The back-test's address, beside those of the policies."""

from django.urls import path

from incidents.backtest import views

app_name = "backtest"
urlpatterns = [path("<slug:slug>/backtest/", views.backtest_page, name="policy")]
