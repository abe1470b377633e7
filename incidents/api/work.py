"""The work on an incident over the API: tasks, roles, plan, vendor cases, time. The same permissions and services as the pages."""

from typing import Any

from django.http import Http404
from django.urls import reverse
from drf_spectacular.utils import extend_schema, extend_schema_field
from rest_framework import serializers, viewsets
from rest_framework.decorators import action
from rest_framework.exceptions import PermissionDenied
from rest_framework.request import Request
from rest_framework.response import Response

from escalation_site.kernel.instants import now
from incidents.models import (
    Incident,
    Objective,
    PlanTemplate,
    ResponseRole,
    Task,
    TimeEntry,
    Vendor,
    VendorCase,
)
from incidents.permissions import incident_for, may_see_work, require_responder
from incidents.selectors.plan_page import plan_data, plan_of
from incidents.selectors.work import roles_of, tasks_of
from incidents.services.engaged import teams_post
from incidents.services.plans import objective_add, objective_change, plan_apply
from incidents.services.roles import role_give, role_leave
from incidents.services.task_waits import task_wait_add, task_wait_remove
from incidents.services.task_writing import with_seen
from incidents.services.tasks import task_approve, task_change, task_create, task_move, task_state
from incidents.services.time import time_log
from incidents.services.vendors import vendor_answered, vendor_call, vendor_closed
from oncall.api.serializers import PersonSerializer
from oncall.models import User

SOURCE = "api"


class TaskSerializer(serializers.ModelSerializer[Task]):
    """``waits_on`` are the numbers of the tasks it waits on; ``seen`` goes with a change, to notice what others changed meanwhile."""

    role: Any = serializers.SlugRelatedField(slug_field="key", read_only=True, allow_null=True)
    assignee = PersonSerializer(read_only=True, allow_null=True)
    waits_on = serializers.SerializerMethodField()
    seen = serializers.IntegerField(read_only=True)
    url = serializers.SerializerMethodField()

    class Meta:
        model = Task
        fields = (
            "id", "url", "parent", "depth", "kind", "title", "details", "state", "priority", "assignee", "role", "starts_at",
            "due_at", "needs_approval", "approved_at", "approval_note", "started_at", "ended_at", "position", "waits_on",
            "seen",
        )  # fmt: skip
        read_only_fields = fields

    @extend_schema_field(serializers.ListField(child=serializers.IntegerField()))
    def get_waits_on(self, task: Task) -> list[int]:
        return [wait.waits_on_id for wait in task.waits.all()]

    def get_url(self, task: Task) -> str:
        return reverse("incidents:task", args=(task.incident_id, task.pk))


class TaskWriteSerializer(serializers.Serializer[Any]):
    """``assignee`` is a user name, ``role`` a role's key; ``admit`` shows a restricted incident to an assignee who does not see it."""

    title = serializers.CharField(max_length=200)
    details = serializers.CharField(max_length=10_000, required=False, allow_blank=True)
    kind = serializers.ChoiceField(choices=Task.Kind.choices, required=False)
    priority = serializers.ChoiceField(choices=Task.Priority.choices, required=False)
    assignee = serializers.SlugRelatedField(
        slug_field="username", queryset=User.objects.all(), required=False, allow_null=True
    )
    role = serializers.SlugRelatedField(
        slug_field="key", queryset=ResponseRole.objects.all(), required=False, allow_null=True
    )
    starts_at = serializers.DateTimeField(required=False, allow_null=True)
    due_at = serializers.DateTimeField(required=False, allow_null=True)
    needs_approval = serializers.BooleanField(required=False)
    admit = serializers.BooleanField(required=False, default=False)


class TaskNewSerializer(TaskWriteSerializer):
    parent = serializers.IntegerField(required=False, allow_null=True, default=None)  # type: ignore[assignment]  # a field of the data


class TaskChangeSerializer(TaskWriteSerializer):
    title = serializers.CharField(max_length=200, required=False)
    seen = serializers.IntegerField(required=False, allow_null=True, default=None)


class TaskStateSerializer(serializers.Serializer[Any]):
    """``anyway`` begins it in spite of a warning."""

    state = serializers.ChoiceField(choices=Task.State.choices)
    anyway = serializers.BooleanField(required=False, default=False)


class TaskWaitSerializer(serializers.Serializer[Any]):
    waits_on = serializers.IntegerField()
    strict = serializers.BooleanField(required=False, default=True)
    remove = serializers.BooleanField(required=False, default=False)


class WhySerializer(serializers.Serializer[Any]):
    reason = serializers.CharField(max_length=4000)


class MoveSerializer(serializers.Serializer[Any]):
    up = serializers.BooleanField()


class RoleSerializer(serializers.Serializer[Any]):
    role = serializers.CharField(source="role.key", read_only=True)
    name = serializers.CharField(source="role.label", read_only=True)
    holder = PersonSerializer(source="holder.user", read_only=True, allow_null=True, default=None)
    holder_number = serializers.IntegerField(source="holder.pk", read_only=True, allow_null=True, default=None)
    needed = serializers.BooleanField(read_only=True)
    vacant = serializers.BooleanField(read_only=True)


class RoleGiveSerializer(serializers.Serializer[Any]):
    """``user`` null leaves the role vacant; ``seen`` is the ``holder_number`` that whoever asks knows of; ``admit`` shows a restricted
    incident to a holder who does not see it."""

    role = serializers.SlugRelatedField(slug_field="key", queryset=ResponseRole.objects.all())
    user = serializers.SlugRelatedField(slug_field="username", queryset=User.objects.all(), allow_null=True)
    seen = serializers.IntegerField(required=False, allow_null=True, default=None)
    admit = serializers.BooleanField(required=False, default=False)


class ObjectiveSerializer(serializers.ModelSerializer[Objective]):
    class Meta:
        model = Objective
        fields = ("id", "text", "rank", "state")
        read_only_fields = fields


class ObjectiveWriteSerializer(serializers.Serializer[Any]):
    """With ``id`` it changes that one, without it adds ``text``."""

    id = serializers.IntegerField(required=False)
    text = serializers.CharField(max_length=240, required=False)
    state = serializers.ChoiceField(choices=Objective.State.choices, required=False)
    up = serializers.BooleanField(required=False, allow_null=True, default=None)


class ApplySerializer(serializers.Serializer[Any]):
    template = serializers.SlugRelatedField(slug_field="slug", queryset=PlanTemplate.objects.filter(active=True))


class VendorCaseSerializer(serializers.ModelSerializer[VendorCase]):
    vendor: Any = serializers.SlugRelatedField(slug_field="slug", read_only=True)
    contract = serializers.CharField(source="vendor.contract", read_only=True)
    support_level = serializers.CharField(source="vendor.support_level", read_only=True)

    class Meta:
        model = VendorCase
        fields = (
            "id", "vendor", "contract", "support_level", "reference", "reason", "opened_at", "due_at", "answered_at",
            "closed_at", "told_state",
        )  # fmt: skip
        read_only_fields = fields


class VendorCallSerializer(serializers.Serializer[Any]):
    vendor = serializers.SlugRelatedField(slug_field="slug", queryset=Vendor.objects.filter(active=True))
    reason = serializers.CharField(max_length=4000)


class CaseActSerializer(serializers.Serializer[Any]):
    """What became of case ``id``: answered (with their number), or closed."""

    id = serializers.IntegerField()
    do = serializers.ChoiceField(choices=["answered", "closed"])
    reference = serializers.CharField(max_length=80, required=False, allow_blank=True, default="")


class TimeSerializer(serializers.ModelSerializer[TimeEntry]):
    user = PersonSerializer(read_only=True)

    class Meta:
        model = TimeEntry
        fields = ("id", "user", "task", "minutes", "note", "at")
        read_only_fields = ("id", "user", "task", "at")


class TimeLogSerializer(serializers.Serializer[Any]):
    minutes = serializers.IntegerField(min_value=1, max_value=1440)
    note = serializers.CharField(max_length=200, required=False, allow_blank=True, default="")
    task = serializers.IntegerField(required=False, allow_null=True, default=None)


class PostSerializer(serializers.Serializer[Any]):
    text = serializers.CharField(max_length=4000)


class OfIncident(viewsets.GenericViewSet[Any]):
    """Something below one incident, which the caller must see."""

    pagination_class = None
    filter_backends = ()
    queryset = Incident.objects.none()

    def _incident(self, *, write: bool = False) -> Incident:
        user: Any = self.request.user
        incident = incident_for(user, int(self.kwargs["pk"]))
        if not may_see_work(user, incident):
            raise PermissionDenied
        if write:
            require_responder(user, incident)
        return incident

    def _asked(self, serializer_class: Any) -> dict[str, Any]:
        serializer = serializer_class(data=self.request.data)
        serializer.is_valid(raise_exception=True)
        return dict(serializer.validated_data)

    @property
    def _by(self) -> dict[str, Any]:
        return {"actor": self.request.user, "at": now(), "source": SOURCE}


def _rows() -> Any:
    return with_seen(Task.objects.select_related("assignee", "role").prefetch_related("waits"))


class TaskViewSet(OfIncident):
    """Tasks of an incident, in their order."""

    serializer_class = TaskSerializer
    lookup_url_kwarg = "task"
    lookup_value_regex = "[0-9]+"

    def _task(self) -> Task:
        found = Task.objects.filter(incident=self.kwargs["pk"], pk=self.kwargs["task"]).first()
        if found is None:
            raise Http404
        return found

    def _answer(self, pk: int, *, status: int = 200) -> Response:
        return Response(TaskSerializer(_rows().get(pk=pk)).data, status=status)

    @extend_schema(responses=TaskSerializer(many=True))
    def list(self, request: Request, pk: str) -> Response:
        incident = self._incident()
        return Response(TaskSerializer(_rows().filter(incident=incident), many=True).data)

    @extend_schema(request=TaskNewSerializer, responses={201: TaskSerializer})
    def create(self, request: Request, pk: str) -> Response:
        incident = self._incident(write=True)
        values = self._asked(TaskNewSerializer)
        parent = values.pop("parent")
        made = task_create(incident_id=incident.pk, parent_id=parent, **self._by, **values)
        return self._answer(made.pk, status=201)

    def retrieve(self, request: Request, pk: str, task: str) -> Response:
        self._incident()
        return self._answer(self._task().pk)

    @extend_schema(request=TaskChangeSerializer, responses=TaskSerializer)
    def partial_update(self, request: Request, pk: str, task: str) -> Response:
        """Change it. What others changed since ``seen`` stays theirs; 409 where both changed the same field."""
        self._incident(write=True)
        values = self._asked(TaskChangeSerializer)
        seen, admit = values.pop("seen"), values.pop("admit")
        task_change(task_id=self._task().pk, values=values, seen=seen, admit=admit, **self._by)
        return self._answer(int(task))

    @extend_schema(request=TaskStateSerializer, responses=TaskSerializer)
    @action(detail=True, methods=["post"])
    def state(self, request: Request, pk: str, task: str) -> Response:
        """Begin, end, drop or reopen it. 409 with the code ``blocked``, ``warned``, ``needs_approval`` or ``parts_open``."""
        self._incident(write=True)
        task_state(task_id=self._task().pk, **self._asked(TaskStateSerializer), **self._by)
        return self._answer(int(task))

    @extend_schema(request=WhySerializer, responses=TaskSerializer)
    @action(detail=True, methods=["post"])
    def approve(self, request: Request, pk: str, task: str) -> Response:
        """Let it be done: level 3 only."""
        self._incident(write=True)
        task_approve(task_id=self._task().pk, **self._asked(WhySerializer), **self._by)
        return self._answer(int(task))

    @extend_schema(request=TaskWaitSerializer, responses=TaskSerializer)
    @action(detail=True, methods=["post"])
    def waits(self, request: Request, pk: str, task: str) -> Response:
        """Let it wait on another, or no longer."""
        self._incident(write=True)
        values = self._asked(TaskWaitSerializer)
        if values["remove"]:
            task_wait_remove(task_id=self._task().pk, waits_on=values["waits_on"], **self._by)
        else:
            task_wait_add(task_id=self._task().pk, waits_on=values["waits_on"], strict=values["strict"], **self._by)
        return self._answer(int(task))

    @extend_schema(request=MoveSerializer, responses=TaskSerializer)
    @action(detail=True, methods=["post"])
    def move(self, request: Request, pk: str, task: str) -> Response:
        """One place up or down among those beside it."""
        self._incident(write=True)
        task_move(task_id=self._task().pk, **self._asked(MoveSerializer), **self._by)
        return self._answer(int(task))


class WorkViewSet(OfIncident):
    """What belongs to the work beside tasks: each has its own address below the incident."""

    serializer_class = RoleSerializer

    @extend_schema(methods=["GET"], responses=RoleSerializer(many=True))
    @extend_schema(methods=["POST"], request=RoleGiveSerializer, responses=RoleSerializer(many=True))
    @action(detail=False, methods=["get", "post"])
    def roles(self, request: Request, pk: str) -> Response:
        """Who holds which role; POST gives one, or leaves it vacant."""
        incident = self._incident(write=request.method == "POST")
        if request.method == "POST":
            values = self._asked(RoleGiveSerializer)
            if values["user"] is None:
                role_leave(incident_id=incident.pk, role=values["role"], seen=values["seen"], **self._by)
            else:
                role_give(incident_id=incident.pk, **values, **self._by)
        shown = roles_of(incident, getattr(incident, "plan", None), tasks_of(incident, at=now()))
        return Response(RoleSerializer(shown, many=True).data)

    @extend_schema(methods=["GET"], responses=dict)
    @extend_schema(methods=["POST"], request=ApplySerializer, responses=dict)
    @action(detail=False, methods=["get", "post"])
    def plan(self, request: Request, pk: str) -> Response:
        """The action plan as it stands; POST applies a template."""
        incident = self._incident(write=request.method == "POST")
        if request.method == "POST":
            plan_apply(incident_id=incident.pk, **self._asked(ApplySerializer), **self._by)
        user, at = request.user, now()
        return Response(plan_data(incident, plan_of(incident, user=user, at=at), at=at))  # type: ignore[arg-type]  # signed in

    @extend_schema(methods=["GET"], responses=ObjectiveSerializer(many=True))
    @extend_schema(methods=["POST"], request=ObjectiveWriteSerializer, responses=ObjectiveSerializer(many=True))
    @action(detail=False, methods=["get", "post"])
    def objectives(self, request: Request, pk: str) -> Response:
        """The objectives by rank; POST adds or changes one."""
        incident = self._incident(write=request.method == "POST")
        if request.method == "POST":
            values = self._asked(ObjectiveWriteSerializer)
            number = values.pop("id", None)
            if number is None:
                objective_add(incident_id=incident.pk, text=values.get("text", ""), **self._by)
            elif Objective.objects.filter(incident=incident, pk=number).exists():
                objective_change(objective_id=number, **values, **self._by)
            else:
                raise Http404
        return Response(ObjectiveSerializer(Objective.objects.filter(incident=incident), many=True).data)

    @extend_schema(methods=["GET"], responses=VendorCaseSerializer(many=True))
    @extend_schema(methods=["POST"], request=VendorCallSerializer, responses=VendorCaseSerializer(many=True))
    @extend_schema(methods=["PATCH"], request=CaseActSerializer, responses=VendorCaseSerializer(many=True))
    @action(detail=False, methods=["get", "post", "patch"], url_path="vendor-cases")
    def vendor_cases(self, request: Request, pk: str) -> Response:
        """Vendors called for it, with their clocks; POST calls one, PATCH says what became of it."""
        incident = self._incident(write=request.method != "GET")
        if request.method == "POST":
            vendor_call(incident_id=incident.pk, **self._asked(VendorCallSerializer), **self._by)
        elif request.method == "PATCH":
            values = self._asked(CaseActSerializer)
            if not VendorCase.objects.filter(incident=incident, pk=values["id"]).exists():
                raise Http404
            if values["do"] == "answered":
                vendor_answered(case_id=values["id"], reference=values["reference"], **self._by)
            else:
                vendor_closed(case_id=values["id"], **self._by)
        rows = VendorCase.objects.filter(incident=incident).select_related("vendor")
        return Response(VendorCaseSerializer(rows, many=True).data)

    @extend_schema(methods=["GET"], responses=TimeSerializer(many=True))
    @extend_schema(methods=["POST"], request=TimeLogSerializer, responses=TimeSerializer(many=True))
    @action(detail=False, methods=["get", "post"])
    def time(self, request: Request, pk: str) -> Response:
        """Time spent on it, by person; POST logs the caller's."""
        incident = self._incident(write=request.method == "POST")
        if request.method == "POST":
            values = self._asked(TimeLogSerializer)
            task = values.pop("task")
            time_log(incident_id=incident.pk, task_id=task, **values, **self._by)
        return Response(TimeSerializer(incident.time_entries.select_related("user"), many=True).data)

    @extend_schema(request=PostSerializer, responses=dict)
    @action(detail=False, methods=["post"], url_path="teams-post")
    def teams_post(self, request: Request, pk: str) -> Response:
        """One word to everybody who works on it, of whatever team."""
        incident = self._incident(write=True)
        told = teams_post(incident_id=incident.pk, **self._asked(PostSerializer), **self._by)
        return Response({"told": told})
