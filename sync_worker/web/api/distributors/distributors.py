"""Distributors: subgroups and their members, terms of pairs, signed agreements. `company_id` is the parent, or the lower of a pair."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Annotated, Any, Final, TypeAlias, TypeVar

from fastapi import Depends, Path, Request, Response, UploadFile

from sync_worker.domain.core.company import Company
from sync_worker.domain.core.deal import Refusal
from sync_worker.domain.core.user import User
from sync_worker.domain.distributors.terms import DatedTerms, Pair, Terms, download_refusal, looking_refusal, read_terms
from sync_worker.domain.distributors.upload import AGREEMENT
from sync_worker.steps.core.follow_up import FollowUp, Work
from sync_worker.steps.core.tenant import Tenant
from sync_worker.steps.distributors import agree, subgroups
from sync_worker.steps.distributors.agree import IncomingFile
from sync_worker.steps.distributors.parents import parents_of
from sync_worker.steps.distributors.subgroups import Finish, SubgroupChange
from sync_worker.steps.people.answer import Keep
from sync_worker.store.core.engine import Tx
from sync_worker.store.distributors import agreements, terms
from sync_worker.store.people.answers import Answer
from sync_worker.web.api.associations import company_shapes, company_views
from sync_worker.web.api.core import views
from sync_worker.web.api.core.authentication import PRINTABLE, Acting, Looking, PersonalVisit, Visit, again
from sync_worker.web.api.core.once import Key, Once, OnceOnly, once_of_file
from sync_worker.web.api.core.paging import PageOf
from sync_worker.web.api.core.problems import Refused, of_refusal
from sync_worker.web.api.core.references import CompanyRef, company_of, of_two_tiers
from sync_worker.web.api.core.route import UploadRoute, file_answer, file_of, one_part, pieces_of, portal_router, problems
from sync_worker.web.api.core.visibility import refuse_onlookers
from sync_worker.web.api.distributors import distributor_shapes as told
from sync_worker.web.api.people import user_shapes
from sync_worker.web.api.people.users import Id as UserId
from sync_worker.web.api.people.users import shown as shown_user

T = TypeVar("T")

router = portal_router("distributors")
uploads = portal_router("distributors", UploadRoute, one_part)


@dataclass(frozen=True, slots=True)
class PairAddress:
    """Two companies in an address: `company_id` is the lower one, `other_id` the one above it."""

    company_id: CompanyRef
    other_id: CompanyRef


ThisPair: TypeAlias = Annotated[PairAddress, Depends()]
AgreementId: TypeAlias = Annotated[str, Path(min_length=1, max_length=200, pattern=PRINTABLE)]
_REFUSED: Final[dict[int | str, dict[str, Any]]] = problems(400, 404, 409)


# ── subgroups ────────────────────────────────────────────────────────────────────────────────────────────────────────


@router.get("/companies/{company_id}/subgroups", responses=_REFUSED)
def list_subgroups(visit: Looking, company_id: CompanyRef, page: PageOf) -> told.SubgroupsView:
    """Lists the subgroups of a second partner, for the members of that second partner."""
    tenant = of_two_tiers(visit.tenant)
    parent = _company(visit, tenant, company_id)
    found = [_done(subgroups.children(tenant, parent, actor)) for actor in visit.actors]
    some = page.rising(found[0], lambda child: company_views.by_name(child.company))
    return told.SubgroupsView(items=[_subgroup(tenant, parent, SubgroupChange(child, frozenset())) for child in some.items], next=some.next)


@router.get("/companies/{company_id}/subgroups/candidates", responses=_REFUSED)
def list_candidates(visit: Looking, company_id: CompanyRef, page: PageOf) -> told.CandidatesView:
    """Lists the companies that this user may make subgroups of the second partner."""
    tenant = of_two_tiers(visit.tenant)
    parent = _company(visit, tenant, company_id)
    fitting, *others = [subgroups.candidates(tenant, parent, actor) for actor in visit.actors]
    some = page.rising((one for one in fitting if all(one in found for found in others)), company_views.by_name)
    return told.CandidatesView(items=[company_shapes.CompanyNameView(id=one.id, name=one.name) for one in some.items], next=some.next)


@router.post("/companies/{company_id}/subgroups", status_code=201, response_model=told.SubgroupView, responses=_REFUSED)
def create_subgroup(visit: Acting, company_id: CompanyRef, said: told.SubgroupBody, once: OnceOnly) -> Response:
    """Creates a company under this second partner, with its terms. The CRM gets a record of it."""
    tenant = of_two_tiers(visit.tenant)
    parent, agreed = _company(visit, tenant, company_id), _terms(tenant, said)
    return _changed(
        visit, once, parent, 201, lambda finish: subgroups.create(tenant, parent, said.name, agreed, actor=visit.actor, finish=finish)
    )


@router.post("/companies/{company_id}/subgroups/{other_id}/promote", response_model=told.SubgroupView, responses=_REFUSED)
def promote_company(visit: Acting, company_id: CompanyRef, other_id: CompanyRef, said: told.TermsBody, once: OnceOnly) -> Response:
    """Makes a company that already exists a subgroup, with its terms. The user must be a member of both companies."""
    tenant = of_two_tiers(visit.tenant)
    parent, company, agreed = _company(visit, tenant, company_id), _company(visit, tenant, other_id, place="other_id"), _terms(tenant, said)
    return _changed(
        visit, once, parent, 200, lambda finish: subgroups.promote(tenant, parent, company, agreed, actor=visit.actor, finish=finish)
    )


@router.post("/companies/{company_id}/subgroups/{other_id}/rename", response_model=told.SubgroupView, responses=_REFUSED)
def rename_subgroup(visit: Acting, company_id: CompanyRef, other_id: CompanyRef, said: told.SubgroupNameBody, once: OnceOnly) -> Response:
    """Gives a subgroup another name, in the CRM too. The user must be a member of its parent."""
    tenant = of_two_tiers(visit.tenant)
    parent, company = _company(visit, tenant, company_id), _company(visit, tenant, other_id, place="other_id")
    return _changed(
        visit, once, parent, 200, lambda finish: subgroups.rename(tenant, parent, company, said.name, actor=visit.actor, finish=finish)
    )


@router.post("/companies/{company_id}/subgroups/{other_id}/disassociate", response_model=told.SubgroupView, responses=_REFUSED)
def disassociate_subgroup(visit: Acting, company_id: CompanyRef, other_id: CompanyRef, once: OnceOnly) -> Response:
    """Ends the link between a subgroup and its parent. Its deals keep their history. `flagged` names those that were pending."""
    tenant = of_two_tiers(visit.tenant)
    parent, company = _company(visit, tenant, company_id), _company(visit, tenant, other_id, place="other_id")
    return _changed(
        visit, once, parent, 200, lambda finish: subgroups.disassociate(tenant, parent, company, actor=visit.actor, finish=finish)
    )


@router.get("/companies/{company_id}/subgroups/{other_id}/members", responses=_REFUSED)
def list_members(visit: Looking, company_id: CompanyRef, other_id: CompanyRef, page: PageOf) -> told.MembersView:
    """Lists the members of a subgroup, for its own members and the members of its parent."""
    tenant = of_two_tiers(visit.tenant)
    parent, company = _child(visit, tenant, company_id, other_id)
    found = [_done(subgroups.members(tenant, parent, company, actor)) for actor in visit.actors]
    some = page.rising(found[0], lambda user: (user.name, user.id))
    return told.MembersView(items=[shown_user(user) for user in some.items], next=some.next)


@router.put("/companies/{company_id}/subgroups/{other_id}/members/{member_id}", responses=_REFUSED)
def add_member(visit: Acting, company_id: CompanyRef, other_id: CompanyRef, member_id: UserId) -> user_shapes.UserView:
    """Makes the user a member of the subgroup as well. Members add members, and a member of the parent adds the first one."""
    return _member(visit, company_id, other_id, member_id, subgroups.add_member)


@router.delete("/companies/{company_id}/subgroups/{other_id}/members/{member_id}", responses=_REFUSED)
def remove_member(visit: Acting, company_id: CompanyRef, other_id: CompanyRef, member_id: UserId) -> user_shapes.UserView:
    """Ends the user's membership of the subgroup."""
    return _member(visit, company_id, other_id, member_id, subgroups.remove_member)


# ── terms ────────────────────────────────────────────────────────────────────────────────────────────────────────────


@router.get("/companies/{company_id}/terms/{other_id}", responses=_REFUSED)
def get_terms(at: ThisPair, visit: Looking) -> told.TermsHistoryView:
    """Returns what a company has agreed with the one above it: a partner with a second partner, or a second partner with the vendor."""
    tenant = of_two_tiers(visit.tenant)
    company, upper = _pair(visit, tenant, at)
    refuse_onlookers(visit, partial(looking_refusal, company, upper))
    return _history(visit, tenant, Pair(company.id, upper.id))


@router.put("/companies/{company_id}/terms/{other_id}", responses=_REFUSED)
def set_terms(at: ThisPair, visit: Acting, said: told.TermsBody) -> told.TermsHistoryView:
    """Sets new terms, and keeps the earlier ones as history. The user must be a member of the company above, or an admin of the vendor."""
    tenant = of_two_tiers(visit.tenant)
    company, upper = _pair(visit, tenant, at)
    _allowed(agree.set_terms(tenant, company, upper, _terms(tenant, said), actor=visit.actor))
    visit.api.follow_ups(visit.portal, {FollowUp(Work.PUSH)})
    return _history(visit, tenant, Pair(company.id, upper.id))


# ── agreements ───────────────────────────────────────────────────────────────────────────────────────────────────────


@router.get("/companies/{company_id}/agreements/{other_id}", responses=_REFUSED)
def list_agreements(at: ThisPair, visit: Looking, page: PageOf) -> told.AgreementsView:
    """Lists every version of the signed agreement of the two companies."""
    tenant = of_two_tiers(visit.tenant)
    company, upper = _pair(visit, tenant, at)
    refuse_onlookers(visit, partial(download_refusal, company, upper))
    with tenant.store.reading(visit.portal) as tx:
        some = page.falling(agreements.versions(tx, Pair(company.id, upper.id)), lambda one: (f"{one.version:09}",))
    return told.AgreementsView(items=[_agreement(one) for one in some.items], next=some.next)


@uploads.post(
    "/companies/{company_id}/agreements/{other_id}",
    status_code=201,
    response_model=told.AgreementView,
    responses={**_REFUSED, **problems(415)},
)
def upload_agreement(at: ThisPair, request: Request, visit: Acting, file: UploadFile, key: Key = None) -> Response:
    """Adds a version of the signed agreement: a PDF, PNG or JPEG of at most 20 MB, as `multipart/form-data`."""
    tenant = of_two_tiers(visit.tenant)
    company, upper = _pair(visit, tenant, at)
    files, name = visit.api.installation.files, file.filename or ""

    def work(_keep: object) -> Answer:
        kept = agree.put_on_file(tenant, files, company, upper, IncomingFile(name, pieces_of(file.file)), actor=visit.actor)
        if isinstance(kept, Refusal):
            return of_refusal(Refused(kept))
        visit.api.follow_ups(visit.portal, {FollowUp(Work.PUSH)})
        place = views.location_of(visit.portal, "companies", company.id, "agreements", upper.id, kept.id)
        return Answer(201, _agreement(kept).model_dump_json(), {**views.JSON, **place})

    return once_of_file(request, key, file).answer(visit, work)


@router.get(
    "/companies/{company_id}/agreements/{other_id}/{agreement_id}",
    response_class=Response,
    responses={**file_of(*(kind.media_type for kind in AGREEMENT.types)), **_REFUSED},
)
def download_agreement(visit: Looking, company_id: CompanyRef, other_id: CompanyRef, agreement_id: AgreementId) -> Response:
    """Returns the file of one version, for members of the company above and admins of the vendor."""
    tenant = of_two_tiers(visit.tenant)
    company, upper = _pair(visit, tenant, PairAddress(company_id, other_id))
    refuse_onlookers(visit, partial(download_refusal, company, upper))
    with tenant.store.reading(visit.portal) as tx:
        one = agreements.get(tx, agreement_id)
    is_theirs = one is not None and (one.company_id, one.upper_id) == (company.id, upper.id)
    pieces = visit.api.installation.files.read(one.key) if one and is_theirs else None
    if one is None or pieces is None:
        raise Refused(Refusal("agreement_unknown", f"{company.name} has no agreement {agreement_id} with {upper.name}", "see the list"))
    ending = next(kind.endings[0] for kind in AGREEMENT.types if kind.media_type == one.media_type)
    return file_answer(pieces, one.media_type, f"agreement-{one.version}{ending}")


# ── what they share ──────────────────────────────────────────────────────────────────────────────────────────────────


def _company(visit: Visit, tenant: Tenant, reference: str, *, place: str = "company_id") -> Company:
    with tenant.store.reading(visit.portal) as tx:
        return company_of(tx, tenant, reference, place=place)


def _pair(visit: Visit, tenant: Tenant, at: PairAddress) -> tuple[Company, Company]:
    return _company(visit, tenant, at.company_id), _company(visit, tenant, at.other_id, place="other_id")


def _child(visit: PersonalVisit, tenant: Tenant, parent_ref: str, child_ref: str) -> tuple[Company, Company]:
    """**Raises** Refused where the two are not parent and subgroup."""
    parent, company = _company(visit, tenant, parent_ref), _company(visit, tenant, child_ref, place="other_id")
    with tenant.store.reading(visit.portal) as tx:
        its_parent = parents_of(tx, [company]).get(company.id)
    if its_parent is None or its_parent.id != parent.id:
        raise Refused(Refusal("not_a_subgroup", f"{company.name} is not a subgroup of {parent.name}", f"a subgroup of {parent.name}"))
    return parent, company


def _member(
    visit: PersonalVisit, company_id: str, other_id: str, member_id: str, change: Callable[..., User | Refusal]
) -> user_shapes.UserView:
    tenant = of_two_tiers(visit.tenant)
    parent, company = _child(visit, tenant, company_id, other_id)
    return shown_user(_done(change(tenant, parent, company, member_id, actor=visit.actor)))


def _done(result: T | Refusal) -> T:
    """The result of a step. **Raises** Refused."""
    if isinstance(result, Refusal):
        raise Refused(result)
    return result


def _allowed(refusal: Refusal | None) -> None:
    if refusal:
        raise Refused(refusal)


def _terms(tenant: Tenant, said: told.TermsBody) -> Terms:
    """**Raises** Refused naming the deal type whose percent cannot stand."""
    return _done(read_terms(said.may_register, said.percents, deal_types=tenant.portal.deals.types))


def _changed(visit: PersonalVisit, once: Once, parent: Company, status: int, do: Callable[[Finish], SubgroupChange | Refusal]) -> Response:
    """A subgroup's change: its answer is made, and kept, inside its commit; what it made due is told after that."""
    tenant = visit.tenant

    def work(keep: Keep) -> Answer:
        made: list[Answer] = []

        def finish(tx: Tx, changed: SubgroupChange) -> None:
            again(tx, visit)
            place = views.location_of(visit.portal, "companies", changed.child.company.id) if status == 201 else {}
            made.append(Answer(status, _subgroup(tenant, parent, changed).model_dump_json(), {**views.JSON, **place}))
            keep(tx, made[-1])

        changed = do(finish)
        if isinstance(changed, Refusal):
            return of_refusal(Refused(changed))
        visit.api.follow_ups(visit.portal, changed.follow_ups)
        return made[-1]

    return once.answer(visit, work)


def _subgroup(tenant: Tenant, parent: Company, changed: SubgroupChange) -> told.SubgroupView:
    child = changed.child
    return told.SubgroupView(
        company=company_views.company(tenant, child.company),
        parent=company_shapes.CompanyNameView(id=parent.id, name=parent.name),
        how=child.subgroup.how,
        since=child.subgroup.since_at,
        by=child.subgroup.since_by,
        until=child.subgroup.until_at,
        may_register=child.terms is not None and child.terms.may_register,
        percents=dict(child.terms.percents) if child.terms else {},
        flagged=list(changed.flagged),
    )


def _history(visit: PersonalVisit, tenant: Tenant, pair: Pair) -> told.TermsHistoryView:
    with tenant.store.reading(visit.portal) as tx:
        held = [_dated(dated) for dated in terms.history(tx, pair)]
    return told.TermsHistoryView(current=held[-1] if held else None, history=held)


def _dated(dated: DatedTerms) -> told.TermsView:
    agreed = dated.terms
    return told.TermsView(may_register=agreed.may_register, percents=dict(agreed.percents), since=dated.since_at, by=dated.actor)


def _agreement(one: agreements.Agreement) -> told.AgreementView:
    return told.AgreementView(
        id=one.id,
        version=one.version,
        name=one.name,
        media_type=one.media_type,
        size_bytes=one.size_bytes,
        sha256=one.sha256,
        uploaded_at=one.uploaded_at,
        uploaded_by=one.uploaded_by,
    )
