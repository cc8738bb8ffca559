"""The files of a study, as a function of its record."""

from pdarts_tf.runs.run_directory import GENOTYPE
from pdarts_tf.study.choice import rank_genotypes
from pdarts_tf.study.csv_tables import methods_csv, results_csv
from pdarts_tf.study.latex_table import study_latex
from pdarts_tf.study.record import Record
from pdarts_tf.study.study_page import study_page
from pdarts_tf.study.text_table import study_text


def outputs(record: Record) -> dict[str, str]:
    """Returns the files of a study by name.

    Args:
        record: The record, of a study that is finished or in progress.

    Returns:
        "study.json": the record itself; "genotype.json": the chosen genotype, left out as long as
        none has been trained; "study.html": the page; "table.txt", "table.tex": methods compared;
        "table.csv", "results.csv": a row per method and per result.
    """
    ranking = rank_genotypes(record)
    chosen = {GENOTYPE: ranking[0].training.genotype.to_json() + "\n"} if ranking else {}
    return {
        "study.json": record.to_json(),
        **chosen,
        "study.html": study_page(record),
        "table.txt": study_text(record),
        "table.csv": methods_csv(record),
        "results.csv": results_csv(record),
        "table.tex": study_latex(record),
    }
