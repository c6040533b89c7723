"""The answer of `/limits`: every limit under the vendor's name, with a developer org's numbers. Only the day's calls are ever used up."""

from typing import Any

from crm_sandbox.salesforce.data.org import Usage

_STILL = {  # never used up here
    "AnalyticsExternalDataSizeMB": 40_960,
    "CdpAiInferenceApiMonthlyLimit": 500_000_000,
    "ConcurrentAsyncGetReportInstances": 200,
    "ConcurrentEinsteinDataInsightsStoryCreation": 5,
    "ConcurrentEinsteinDiscoveryStoryCreation": 2,
    "ConcurrentSyncReportRuns": 20,
    "ContentDistBandwidthLimitMB": 51_200,
    "ContentDistViewLimit": 50_000,
    "ContentPublicationLimit": 2_500,
    "DailyAnalyticsDataflowJobExecutions": 60,
    "DailyAnalyticsUploadedFilesSizeMB": 51_200,
    "DailyApexCursorLimit": 10_000,
    "DailyApexCursorRowsLimit": 100_000_000,
    "DailyApexPCursorLimit": 200_000,
    "DailyAsyncApexExecutions": 250_000,
    "DailyAsyncApexTests": 500,
    "DailyBulkApiBatches": 15_000,
    "DailyBulkV2QueryFileStorageMB": 976_562,
    "DailyBulkV2QueryJobs": 10_000,
    "DailyDeliveredPlatformEvents": 10_000,
    "DailyDurableGenericStreamingApiEvents": 10_000,
    "DailyDurableStreamingApiEvents": 10_000,
    "DailyEinsteinDataInsightsStoryCreation": 1_000,
    "DailyEinsteinDiscoveryOptimizationJobRuns": 25,
    "DailyEinsteinDiscoveryPredictAPICalls": 50_000,
    "DailyEinsteinDiscoveryPredictionsByCDC": 500_000,
    "DailyEinsteinDiscoveryStoryCreation": 100,
    "DailyFunctionsApiCallLimit": 50_000,
    "DailyGenericStreamingApiEvents": 10_000,
    "DailyMetadataRetrievesWithDependencies": 25,
    "DailyServiceEmailAgentforceCalls": 5_000,
    "DailyStandardVolumePlatformEvents": 10_000,
    "DailyStreamingApiEvents": 10_000,
    "DailyWorkflowEmails": 8_040,
    "DataStorageMB": 5,
    "DurableStreamingApiConcurrentClients": 20,
    "ExternalServicesActiveObjects": 3_000,
    "ExternalServicesActiveOperations": 3_000,
    "ExternalServicesObjectProperties": 400_000,
    "ExternalServicesObjects": 10_000,
    "ExternalServicesOperations": 10_000,
    "ExternalServicesRegistrations": 700,
    "FileStorageMB": 20,
    "HourlyAsyncReportRuns": 1_200,
    "HourlyDashboardRefreshes": 200,
    "HourlyDashboardResults": 5_000,
    "HourlyDashboardStatuses": 999_999_999,
    "HourlyElevateAsyncReportRuns": 1_200,
    "HourlyElevateSyncReportRuns": 500,
    "HourlyLongTermIdMapping": 100_000,
    "HourlyManagedContentPublicRequests": 50_000,
    "HourlyODataCallout": 1_000,
    "HourlyPublishedPlatformEvents": 50_000,
    "HourlyPublishedStandardVolumePlatformEvents": 1_000,
    "HourlyShortTermIdMapping": 100_000,
    "HourlySyncReportRuns": 500,
    "HourlyTimeBasedWorkflow": 1_000,
    "MassEmail": 10,
    "MaxContentDocumentsLimit": 30_000_000,
    "MonthlyEinsteinDiscoveryStoryCreation": 500,
    "Package2VersionCreates": 6,
    "Package2VersionCreatesWithoutValidation": 500,
    "PlatformEventTriggersWithParallelProcessing": 5,
    "PrivateConnectOutboundCalloutHourlyLimitMB": 0,
    "PublishCallbackUsageInApex": 5_242_880,
    "ScheduledFlowRunLimit": 250_000,
    "ScheduledPathRunLimit": 250_000,
    "SingleEmail": 15,
    "StreamingApiConcurrentClients": 20,
}
_PERMISSION_SETS = {"Max": 1_500, "Remaining": 1_500, "CreateCustom": {"Max": 1_000, "Remaining": 1_000}}


def limits(usage: Usage) -> dict[str, dict[str, Any]]:
    """Every limit with its Max and Remaining, in the order of names."""
    found: dict[str, dict[str, Any]] = {name: {"Max": most, "Remaining": most} for name, most in _STILL.items()}
    found["DailyApiRequests"] = {"Max": usage.limit, "Remaining": max(0, usage.limit - usage.used)}
    found["PermissionSets"] = _PERMISSION_SETS
    return dict(sorted(found.items()))
