"""Addresses of the other ways to look at open incidents: board, plan, workload, wall."""

from django.urls import path

from incidents.views import board, load, plan, wall

board_pages = [
    path("board/", board.board, name="board"),
    path("board/filters/", board.view_filters, {"page": "board"}, name="board_filters"),
    path("plan/", plan.plans, name="plans"),
    path("plan/filters/", board.view_filters, {"page": "plans"}, name="plan_filters"),
    path("workload/", load.workload, name="workload"),
    path("workload/<int:pk>/", load.workload_limit, name="workload_limit"),
    path("wall/", wall.wall, name="wall"),
    path("<int:pk>/move/<slug:by>/", board.board_move, name="board_move"),
    path("<int:pk>/plan-chart/", plan.plan_chart, name="plan_chart"),
]
