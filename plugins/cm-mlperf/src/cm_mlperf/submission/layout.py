"""Where things stand in a submission tree of a round."""

from __future__ import annotations

from cmcore.hints import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from cm_mlperf.rounds import Round

SUMMARY = "mlperf_log_summary.txt"
DETAIL = "mlperf_log_detail.txt"
ACCURACY_LOG = "mlperf_log_accuracy.json"
ACCURACY_TEXT = "accuracy.txt"

#: A tree that carries this file at its top is for practice only.
STAMP = "NOT-FOR-SUBMISSION.txt"

#: What a run folder may hold besides summary and detail log.
OPTIONAL_RUN_FILES = (ACCURACY_LOG, "mlperf_log_trace.json", "results.json", ".gitkeep")

POWER_FILES = ("client.json", "client.log", "ptd_logs.txt", "server.json", "server.log")

#: Largest accuracy log and largest file of a submission, in bytes.
ACCURACY_LIMIT = 10 * 1024
FILE_LIMIT = 50 * 1024 * 1024

SCENARIO_NAMES = {
    name.lower(): name
    for name in ("SingleStream", "MultiStream", "Server", "Offline", "Interactive")
}


class Place(NamedTuple):
    """One result in a tree: division, submitter, system, benchmark folder and scenario folder."""

    division: str
    submitter: str
    system: str
    benchmark: str
    scenario: str

    @property
    def base(self) -> str:
        """The submitter's folder, relative to the tree."""
        return f"{self.division}/{self.submitter}"

    @property
    def below(self) -> str:
        """System, benchmark and scenario, as they occur below several folders."""
        return f"{self.system}/{self.benchmark}/{self.scenario}"

    @property
    def results(self) -> str:
        """The folder of the logs."""
        return f"{self.base}/results/{self.below}"

    @property
    def performance(self) -> str:
        """The folder of the performance run."""
        return f"{self.results}/performance/run_1"

    @property
    def accuracy(self) -> str:
        """The folder of the accuracy run."""
        return f"{self.results}/accuracy"

    @property
    def system_file(self) -> str:
        """The system description."""
        return f"{self.base}/systems/{self.system}.json"

    def measurements(self, of_round: Round) -> str:
        """The folder of user.conf, README.md and the measurements file."""
        return f"{self.base}/{of_round.measurements_folder}/{self.below}"

    def measurements_file(self, of_round: Round) -> str:
        """The measurements file as we write it; rounds before v6.0 look for the system's name."""
        name = "measurements.json"
        if of_round.measurements_folder != "results":
            name = f"{self.system}_cm_{self.scenario}.json"
        return f"{self.measurements(of_round)}/{name}"

    def compliance(self, of_round: Round) -> str:
        """The folder that holds TEST01, TEST04, ..."""
        return f"{self.base}/{of_round.compliance_folder}/{self.below}"

    def source(self, of_round: Round) -> str:
        """The submitter's folder of programs."""
        return f"{self.base}/{of_round.source_folder}"
