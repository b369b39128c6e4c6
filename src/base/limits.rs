//! The limits more than one place or an operator must know of. Nothing in the gateway is unbounded.

use std::time::Duration;

/// Nesting of one document, any syntax.
pub const DEPTH_MAX: usize = 64;
/// Nodes of one document that is held whole.
pub const NODES_MAX: usize = 200_000;
/// Attributes on one XML element.
pub const ATTRIBUTES_MAX: usize = 64;
/// Bytes of one record in a streamed batch.
pub const RECORD_BYTES_MAX: usize = 1 << 20;
/// Bytes of a bundle or message whose references resolve inside it.
pub const BUNDLE_BYTES_MAX: usize = 16 << 20;
/// Nodes of such a bundle that a mapping may visit as resources.
pub const BUNDLE_NODES_MAX: usize = 10_000;
/// Bytes of a submission that is answered in the request.
pub const SMALL_BODY_BYTES_MAX: usize = 4 << 20;
/// Bytes of the scan of a signed paper.
pub const SCAN_BYTES_MAX: u64 = 4 << 20;
/// Records of a submission that is answered in the request.
pub const SMALL_RECORDS_MAX: usize = 1_000;
/// Records stored in one chunk of a batch.
pub const CHUNK_RECORDS_MAX: usize = 500;
/// Bytes of a whole batch.
pub const BATCH_BYTES_MAX: u64 = 8 << 30;
/// Records whose verdicts a receipt repeats; the rest are paged.
pub const RECEIPT_RECORDS_MAX: usize = 1_000;
/// Findings kept per record.
pub const RECORD_FINDINGS_MAX: usize = 100;
/// Findings repeated in one receipt.
pub const RECEIPT_FINDINGS_MAX: usize = 1_000;
/// Submissions between body and commit at once; above it 503.
pub const IN_FLIGHT_MAX: usize = 128;
/// Bytes of an idempotency key.
pub const IDEMPOTENCY_KEY_BYTES_MAX: usize = 255;
/// Cells of one delimited row.
pub const CELLS_MAX: usize = 512;
/// Bytes the parts of a workbook may be unpacked to, all together.
pub const WORKBOOK_UNPACKED_BYTES_MAX: usize = 64 << 20;
/// Parts of a workbook.
pub const WORKBOOK_PARTS_MAX: usize = 2_000;
/// Sheets of a workbook.
pub const WORKBOOK_SHEETS_MAX: usize = 64;
/// Rows of one sheet, empty ones before the last with them.
pub const WORKBOOK_ROWS_MAX: usize = 100_000;
/// Cells of a workbook, and texts its cells share.
pub const WORKBOOK_CELLS_MAX: usize = 1_000_000;
/// Bytes of text in the cells of a workbook, and of the rows made of them.
pub const WORKBOOK_TEXT_BYTES_MAX: usize = 64 << 20;
/// Bytes of one column's name.
pub const COLUMN_NAME_BYTES_MAX: usize = 200;
/// Ids of a batch's records that are remembered, so that one that comes again is seen. Twice as
/// many at most; one that comes again later than that waits for a person.
pub const IDS_REMEMBERED_MAX: usize = 100_000;
/// Consents judged for one person; with more, everything about the person is withheld.
pub const CONSENTS_MAX: usize = 512;
/// Facts of one person one partner may have asserted, ended ones too: all are read for a decision.
pub const FACTS_OF_ASSERTER_MAX: i64 = 256;
/// Memoised decisions kept per rule set.
pub const DECISIONS_CACHED_MAX: usize = 65_536;
/// Records of a person an answer at the emergency door holds; the newest that may go.
pub const EMERGENCY_RECORDS_MAX: usize = 200;
/// Records of a person read at once to find them.
pub const EMERGENCY_PAGE_ROWS: usize = 200;
/// How many times so many are read for one answer; officers are told where that is not all.
pub const EMERGENCY_PAGES_MAX: usize = 20;
/// Bytes of such an answer.
pub const EMERGENCY_ANSWER_BYTES_MAX: usize = 4 << 20;
/// Bytes of a recipient's answer that are read.
pub const ANSWER_BYTES_MAX: usize = 64 << 10;
/// Rows on one page of a list.
pub const PAGE_ROWS_MAX: usize = 500;
/// Deliveries one worker has under way at most.
pub const DELIVERIES_UNDER_WAY_MAX: usize = 384;
/// Deliveries of one claim: some claims are decided while others are written and sent.
pub const CLAIMS_MAX: usize = 128;
/// Records routed in one step.
pub const ROUTES_MAX: usize = 200;
/// How long ago a record behind the prevention wall was received, at most, to be routed again when
/// its family's papers change.
pub const ROUTED_AGAIN_WITHIN: Duration = Duration::from_secs(366 * 24 * 3600);
/// Deliveries of one claim that are only decided anew, because what they rest on changed.
pub const REJUDGED_MAX: usize = 64;
/// Facts, and consents, looked at in one step because their day has come.
pub const TURNS_MAX: usize = 64;
/// Deliveries looked at again in one step because something changed after they were sent.
pub const RECALLS_MAX: usize = 64;
/// How far back what was sent is looked at again, unless the settings say otherwise.
pub const RECALL_LOOK_BACK: Duration = Duration::from_secs(365 * 24 * 3600);
/// How long a look waits for what is just being sent.
pub const RECALL_PAUSE: Duration = Duration::from_secs(5);
/// Deliveries one work item of recalls by hand shows.
pub const RECALLS_SHOWN_MAX: usize = 100;
/// How long a claim is held before another worker may take the delivery.
pub const LEASE: Duration = Duration::from_secs(60);
/// How long a body may trickle before the minimum rate is asked of it.
pub const BODY_GRACE: Duration = Duration::from_secs(10);
/// Bytes per second asked of a body after the grace.
pub const BODY_RATE_MIN: u64 = 1_024;
/// How long a second officer may take to confirm what a first one asked for.
pub const SECOND_OFFICER_WAIT: Duration = Duration::from_secs(24 * 3600);
/// How long a batch may stay unsealed.
pub const BATCH_DEADLINE: Duration = Duration::from_secs(6 * 3600);
/// How long a graceful stop waits for work in flight.
pub const STOP_GRACE: Duration = Duration::from_secs(8);
/// Consents looked up lately that are remembered; beyond it all are forgotten.
pub const CONSENT_LOOKUPS_MAX: usize = 4_096;
/// Destinations whose connections are kept.
pub const DESTINATIONS_MAX: usize = 512;
/// How long a recipient may take to be connected with.
pub const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);
/// How long one attempt may take, from name to answer.
pub const ATTEMPT_TIMEOUT: Duration = Duration::from_secs(30);
/// A certificate or agreement that ends within this is worth a warning.
pub const ENDING_SOON: Duration = Duration::from_secs(60 * 24 * 3600);
/// A lane whose oldest delivery has waited longer is worth a warning.
pub const LANE_WAIT_MAX: Duration = Duration::from_secs(3600);
/// Bytes written to see whether a storage that was full takes writes again.
pub const STORAGE_PROBE_BYTES: u64 = 256 << 10;
/// Bytes free on the store's disk below which somebody should make room.
pub const STORAGE_FREE_BYTES_LOW: u64 = 2 << 30;
/// Bytes free on the store's disk below which no submission is safe to be taken.
pub const STORAGE_FREE_BYTES_MIN: u64 = 64 << 20;
/// Bytes of one catalog file.
pub const CATALOG_FILE_BYTES_MAX: usize = 8 << 20;
/// Files of a catalog with all its overlays.
pub const CATALOG_FILES_MAX: usize = 10_000;
/// Record types of one extract.
pub const EXTRACT_TYPES_MAX: usize = 64;
/// Records an extract decides on, or a download makes anew, in one go.
pub const EXTRACT_PAGE_ROWS: usize = 250;
/// Records one manifest names as gone; of more only the number is told.
pub const EXTRACT_DELETED_MAX: usize = 100_000;
/// Extracts being written at once.
pub const EXTRACTS_UNDER_WAY_MAX: u32 = 4;
/// Of these, extracts of one requester.
pub const EXTRACTS_OF_REQUESTER_MAX: u32 = 2;
/// Files of extracts being served at once.
pub const EXTRACT_FILES_SERVED_MAX: usize = 16;
/// How old an extract may get: its files are served no longer.
pub const EXTRACT_AGE_MAX: Duration = Duration::from_secs(24 * 3600);
/// How long whoever fetches a file of an extract may take nothing of it.
pub const EXTRACT_STALL_MAX: Duration = Duration::from_secs(120);
