"""The paths below `/api/v2`."""

from fastapi import APIRouter, Request, Response
from fastapi.concurrency import run_in_threadpool

from tocsin.notify.routing import Directory
from tocsin.service.alertmanager import alerts, silences
from tocsin.service.alertmanager.shapes import (
    ClusterStatus,
    ConfigShape,
    GettableAlert,
    GettableSilence,
    GroupShape,
    ReceiverShape,
    ServerStatus,
    SilenceId,
    VersionInfo,
)
from tocsin.service.alertmanager.work import Filters, Office, body_of, matchers_of, receiver_of


def create_router(office: Office) -> APIRouter:
    """All of them; they stand in Alertmanager's own OpenAPI document, and so not in ours."""
    router = APIRouter(prefix="/api/v2", include_in_schema=False)
    _about_itself(router, office)
    _about_silences(router, office)
    _about_alerts(router, office)
    return router


def _about_itself(router: APIRouter, office: Office) -> None:
    @router.get("/status")
    def status() -> ServerStatus:
        standing = office.board.read()
        return ServerStatus(
            cluster=ClusterStatus(),
            version_info=VersionInfo(version=standing.version),
            config=ConfigShape(original=office.config(standing)),
            uptime=standing.started_at,
        )

    @router.get("/receivers")
    def receivers() -> list[ReceiverShape]:
        directory = Directory.of(office.board.read().workspace.notifications)
        return [ReceiverShape(name=name) for name in sorted(directory.channels)]


def _about_silences(router: APIRouter, office: Office) -> None:
    @router.get("/silences")
    def list_silences(wanted: Filters = None) -> list[GettableSilence]:
        return silences.listed(office, matchers_of(wanted))

    @router.post("/silences")
    async def make_silence(request: Request) -> SilenceId:
        body = await body_of(request)
        return SilenceId(silenceID=await run_in_threadpool(silences.make, office, body))

    @router.get("/silence/{name}")
    def one_silence(name: str) -> GettableSilence:
        return silences.one(office, name)

    @router.delete("/silence/{name}")
    def end_silence(name: str) -> Response:
        silences.end(office, name)
        return Response()


def _about_alerts(router: APIRouter, office: Office) -> None:
    @router.get("/alerts")
    def list_alerts(
        wanted: Filters = None,
        *,
        active: bool = True,
        silenced: bool = True,
        inhibited: bool = True,
        receiver: str = "",
    ) -> list[GettableAlert]:
        asked = alerts.Wanted(matchers_of(wanted), active, silenced, inhibited, receiver_of(receiver))
        return alerts.listed(office, asked)

    @router.get("/alerts/groups")
    def list_groups(
        wanted: Filters = None,
        *,
        active: bool = True,
        silenced: bool = True,
        inhibited: bool = True,
        receiver: str = "",
    ) -> list[GroupShape]:
        asked = alerts.Wanted(matchers_of(wanted), active, silenced, inhibited, None)
        return alerts.grouped(office, asked, receiver_of(receiver))

    @router.post("/alerts")
    async def take_alerts(request: Request) -> Response:
        agent, body = request.headers.get("user-agent", ""), await body_of(request)
        await run_in_threadpool(alerts.take, office, body, agent)
        return Response()
