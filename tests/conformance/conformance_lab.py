"""Labs as the conformance tests need them."""

import shutil

import harness


def password_of(lab):
    source = next(iter(lab.config()["policies"].values()))["password"]
    return (lab.dir / source["file"]).read_text().strip()


def served(templates, tmp_path_factory, change):
    lab = harness.Lab(tmp_path_factory.mktemp("conformance") / "lab")
    shutil.copytree(templates("--policy", "static"), lab.dir)
    lab.edit(lambda config: config.update(listen=[{"address": f"127.0.0.1:{lab.port}"}]))
    change(lab)
    lab.start()
    try:
        yield lab
        lab.stop()
    finally:
        lab.kill()
