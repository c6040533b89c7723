"""Metadata answers: versions, resources, the list of record types, describe. Key order is the vendor's."""

from typing import Any

from crm_sandbox.salesforce.data.org import Org
from crm_sandbox.salesforce.schema.schema import ID_KINDS, NUMBER_KINDS, TEXT_KINDS, Field, SObject
from crm_sandbox.salesforce.wire.routing import NEWEST, OLDEST

Shape = dict[str, Any]
_SEASONS = ("Winter", "Spring", "Summer")
_RESOURCES = ("query", "queryAll", "sobjects", "composite", "jobs", "limits", "recent", "tooling")
_SOAP_TYPES = {
    "id": "tns:ID",
    "reference": "tns:ID",
    "boolean": "xsd:boolean",
    "currency": "xsd:double",
    "double": "xsd:double",
    "percent": "xsd:double",
    "int": "xsd:int",
    "date": "xsd:date",
    "datetime": "xsd:dateTime",
    "address": "urn:address",
}
_UNGROUPABLE = frozenset({"currency", "double", "percent", "datetime", "multipicklist"})


def versions() -> list[Shape]:
    """Every API version the sandbox answers to, oldest first."""
    found = []
    for number in range(OLDEST, NEWEST + 1):
        season = _SEASONS[(number - 32) % 3]
        year = 14 + (number - 29) // 3
        label = f"{season} '{year}"
        found.append({"label": label, "url": f"/services/data/v{number}.0", "version": f"{number}.0"})
    return found


def resources(version: str) -> Shape:
    """What there is under one version."""
    return {name: f"/services/data/v{version}/{name}" for name in _RESOURCES}


def describe_global(org: Org, version: str) -> Shape:
    """All record types, in short."""
    brief = [_head(sobject, version) | {"urls": _brief_urls(sobject, version)} for sobject in org.objects.values()]
    return {"encoding": "UTF-8", "maxBatchSize": 200, "sobjects": brief}


def describe(org: Org, sobject: SObject, version: str, base_url: str) -> Shape:
    """One record type whole, without the fields hidden from the client."""
    head = _head(sobject, version)
    more: Shape = {
        "childRelationships": _children(org, sobject),
        "compactLayoutable": True,
        "fields": [_field(sobject, field) for field in org.fields(sobject)],
        "listviewable": None,
        "lookupLayoutable": None,
        "networkScopeFieldName": None,
        "recordTypeInfos": [_record_type(sobject, version)],
        "searchLayoutable": True,
        "sobjectDescribeOption": "FULL",
        "urls": _urls(sobject, version, base_url),
    }
    return dict(sorted((head | more).items()))


def _head(sobject: SObject, version: str) -> Shape:
    writable = sobject.is_writable
    return {
        "activateable": False,
        "associateEntityType": None,
        "associateParentEntity": None,
        "createable": writable,
        "custom": False,
        "customSetting": False,
        "deepCloneable": False,
        "defaultImplementation": None,
        "deletable": writable,
        "deprecatedAndHidden": False,
        "extendedBy": None,
        "extendsInterfaces": None,
        "feedEnabled": True,
        "hasSubtypes": False,
        "implementedBy": None,
        "implementsInterfaces": None,
        "isInterface": False,
        "isSubtype": False,
        "keyPrefix": sobject.prefix,
        "label": sobject.label,
        "labelPlural": sobject.plural,
        "layoutable": True,
        "mergeable": sobject.is_mergeable,
        "mruEnabled": True,
        "name": sobject.name,
        "queryable": True,
        "replicateable": True,
        "retrieveable": True,
        "searchable": True,
        "triggerable": True,
        "undeletable": writable,
        "updateable": writable,
    }


def _brief_urls(sobject: SObject, version: str) -> Shape:
    root = f"/services/data/v{version}/sobjects/{sobject.name}"
    return {"rowTemplate": f"{root}/{{ID}}", "describe": f"{root}/describe", "sobject": root}


def _urls(sobject: SObject, version: str, base_url: str) -> Shape:
    root = f"/services/data/v{version}/sobjects/{sobject.name}"
    return {
        "compactLayouts": f"{root}/describe/compactLayouts",
        "rowTemplate": f"{root}/{{ID}}",
        "approvalLayouts": f"{root}/describe/approvalLayouts",
        "uiDetailTemplate": f"{base_url}/{{ID}}",
        "uiEditTemplate": f"{base_url}/{{ID}}/e",
        "listviews": f"{root}/listviews",
        "describe": f"{root}/describe",
        "uiNewRecord": f"{base_url}/{sobject.prefix}/e",
        "quickActions": f"{root}/quickActions",
        "layouts": f"{root}/describe/layouts",
        "sobject": root,
    }


def _record_type(sobject: SObject, version: str) -> Shape:
    master = "012000000000000AAA"
    return {
        "active": True,
        "available": True,
        "defaultRecordTypeMapping": True,
        "developerName": "Master",
        "master": True,
        "name": "Master",
        "recordTypeId": master,
        "urls": {"layout": f"/services/data/v{version}/sobjects/{sobject.name}/describe/layouts/{master}"},
    }


def _children(org: Org, sobject: SObject) -> list[Shape]:
    return [
        {
            "cascadeDelete": field.name == "AccountId",
            "childSObject": child.name,
            "deprecatedAndHidden": False,
            "field": field.name,
            "junctionIdListNames": [],
            "junctionReferenceTo": [],
            "relationshipName": child.plural if field.name == "AccountId" else None,
            "restrictedDelete": False,
        }
        for child in org.objects.values()
        for field in org.fields(child)
        if sobject.name in field.refers_to
    ]


def _picklist(field: Field) -> list[Shape]:
    told = [*((value, True) for value in field.values), *((value, False) for value in field.retired)]
    return [
        {"active": is_active, "defaultValue": value == field.default, "label": value, "validFor": None, "value": value}
        for value, is_active in told
    ]


def _field(sobject: SObject, field: Field) -> Shape:
    is_text = field.kind in TEXT_KINDS
    can_filter = field.is_filterable
    length = 18 if field.kind in ID_KINDS else field.length
    return {
        "aggregatable": field.kind != "boolean" and can_filter,
        "aiPredictionField": False,
        "autoNumber": False,
        "byteLength": length * 3 if is_text else length,
        "calculated": field.is_calculated,
        "calculatedFormula": None,
        "cascadeDelete": False,
        "caseSensitive": False,
        "compoundFieldName": "Name" if field.is_name else sobject.compound_of(field),
        "controllerName": None,
        "createable": field.is_createable,
        "custom": field.is_custom,
        "defaultValue": field.default if field.kind != "boolean" else bool(field.default),
        "defaultValueFormula": None,
        "defaultedOnCreate": (not field.is_createable and not field.is_nillable) or field.default is not None,
        "dependentPicklist": False,
        "deprecatedAndHidden": False,
        "digits": field.precision if field.kind == "int" else 0,
        "displayLocationInDecimal": False,
        "encrypted": False,
        "externalId": field.is_external_id,
        "extraTypeInfo": "plaintextarea" if field.kind == "textarea" else None,
        "filterable": can_filter,
        "filteredLookupInfo": None,
        "formulaTreatNullNumberAsZero": False,
        "groupable": can_filter and field.kind not in _UNGROUPABLE,
        "highScaleNumber": False,
        "htmlFormatted": False,
        "idLookup": field.is_id_lookup,
        "inlineHelpText": None,
        "label": field.label,
        "length": length,
        "mask": None,
        "maskType": None,
        "name": field.name,
        "nameField": field.is_name,
        "namePointing": False,
        "nillable": field.is_nillable,
        "permissionable": field.is_nillable and field.is_createable,
        "picklistValues": _picklist(field),
        "polymorphicForeignKey": False,
        "precision": field.precision if field.kind in NUMBER_KINDS and field.kind != "int" else 0,
        "queryByDistance": False,
        "referenceTargetField": None,
        "referenceTo": list(field.refers_to),
        "relationshipName": field.relationship,
        "relationshipOrder": None,
        "restrictedDelete": False,
        "restrictedPicklist": field.is_restricted,
        "scale": field.scale,
        "searchPrefilterable": field.kind == "reference" and field.is_createable,
        "soapType": _SOAP_TYPES.get(field.kind, "xsd:string"),
        "sortable": can_filter and field.kind != "multipicklist",
        "type": field.kind,
        "unique": field.is_unique,
        "updateable": field.is_updateable,
        "writeRequiresMasterRead": False,
    }
