"""The answer of `/limits`: the ones a sync client looks at, named as the vendor names them."""

from sync_worker.sandbox.salesforce.org import Usage

_STILL = {  # never used up here
    "ConcurrentAsyncGetReportInstances": 200,
    "ConcurrentSyncReportRuns": 20,
    "DailyAsyncApexExecutions": 250_000,
    "DailyBulkApiBatches": 15_000,
    "DailyBulkV2QueryFileStorageMB": 976_562,
    "DailyBulkV2QueryJobs": 10_000,
    "DailyDurableStreamingApiEvents": 10_000,
    "DailyGenericStreamingApiEvents": 10_000,
    "DailyStreamingApiEvents": 10_000,
    "DailyWorkflowEmails": 8_040,
    "DataStorageMB": 5,
    "FileStorageMB": 20,
    "HourlyTimeBasedWorkflow": 1_000,
    "MassEmail": 10,
    "SingleEmail": 15,
}


def limits(usage: Usage) -> dict[str, dict[str, int]]:
    """Every limit with its Max and Remaining, in the order of names."""
    found = {name: {"Max": most, "Remaining": most} for name, most in _STILL.items()}
    found["DailyApiRequests"] = {"Max": usage.limit, "Remaining": max(0, usage.limit - usage.used)}
    return dict(sorted(found.items()))
