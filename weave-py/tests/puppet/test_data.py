"""What the data of 2014 come to in a catalog, before anything is looked at."""

from __future__ import annotations

import json
import platform
import subprocess
from pathlib import Path
from typing import Any

from puppet_run import MODULES

HOST = platform.node().split(".")[0]
HIERARCHY = "{version: 5, hierarchy: [{name: all, data_hash: yaml_data, datadir: data, path: all.yaml}]}"
DATA = {
    # The first word of both names is this machine's.
    "docker_hosts_weave_dhcp": [
        {"hostname": f"{HOST}.east.example.com", "ip": "10.0.0.1/16"},
        {"hostname": f"{HOST}.west.example.com", "ip": "10.0.0.2/16"},
    ],
    "dockerhosts_dhcp": {"pg.example.com": {"ip": "10.0.1.16/24", "image": "registry.example.com/postgres:9.6 "}},
    "registry.example.com/postgres:9.6": {
        "docker_run_opts": ["--name=DOMAIN", "--memory=64m"],
        "ports": None,
        "attach_volumes": ["-v /data/DOMAIN:/data "],
    },
}


def compiled(tmp_path: Path, name: str, manifest: str) -> dict[str, dict[str, Any]]:
    """Return the attributes of each of weave's resources in the catalog of the host `name`."""
    (tmp_path / "data").mkdir(exist_ok=True)
    (tmp_path / "data" / "all.yaml").write_text(json.dumps(DATA))
    (tmp_path / "hiera.yaml").write_text(HIERARCHY)
    (tmp_path / "puppet.conf").write_text(f"[main]\ncertname = {name}\n")
    (tmp_path / "site.pp").write_text(manifest)
    done = compile_catalog(tmp_path, name)
    assert done.returncode == 0, done.stdout + done.stderr
    catalog = json.loads(done.stdout[done.stdout.index("\n{") :])
    own = [resource for resource in catalog["resources"] if resource["type"].startswith("Weave_")]
    return {f"{resource['type']} {resource['title']}": resource.get("parameters", {}) for resource in own}


def compile_catalog(tmp_path: Path, name: str) -> subprocess.CompletedProcess[str]:
    """Compile the catalog of the host `name` from what stands in the directory."""
    words = ["puppet", "catalog", "compile", name, "--render-as", "json", "--manifest", str(tmp_path / "site.pp")]
    words += ["--confdir", str(tmp_path), "--vardir", str(tmp_path / "var"), "--modulepath", str(MODULES)]
    return subprocess.run(words, capture_output=True, text=True, check=False, timeout=900)


def test_a_host_has_the_address_of_its_whole_name(tmp_path: Path) -> None:
    for domain, ip in (("east", "10.0.0.1/16"), ("west", "10.0.0.2/16")):
        exposed = compiled(tmp_path, f"{HOST}.{domain}.example.com", "include weave").keys()
        assert exposed == {"Weave_router weave", f"Weave_exposure {ip}"}
    # Where no whole name fits, the first word does.
    assert "Weave_exposure 10.0.0.1/16" in compiled(tmp_path, "other.example.com", "include weave")


def test_an_image_with_points_in_its_name_has_its_options(tmp_path: Path) -> None:
    made = compiled(tmp_path, "one.example.com", "weave::simple::run { 'pg.example.com': }")
    container = made["Weave_container pg.example.com"]
    assert container["image"] == "registry.example.com/postgres:9.6"
    assert container["options"] == "--name=pg.example.com --memory=64m -v /data/pg.example.com:/data "


def test_an_image_without_data_is_named(tmp_path: Path) -> None:
    compiled(tmp_path, "one.example.com", "include weave")
    (tmp_path / "data" / "all.yaml").write_text(json.dumps({"dockerhosts_dhcp": DATA["dockerhosts_dhcp"]}))
    (tmp_path / "site.pp").write_text("weave::simple::run { 'pg.example.com': }")
    done = compile_catalog(tmp_path, "one.example.com")
    assert done.returncode != 0
    said = "image: the hierarchy has no key 'registry.example.com/postgres:9.6' with the options of pg.example.com"
    assert said in done.stdout + done.stderr


def test_a_launch_beside_the_class_makes_one_router(tmp_path: Path) -> None:
    launch = "weave::launch { 'weave': docker_cluster_peers => '192.0.2.9', docker_host_weave_ip => '10.9.0.1/16' }"
    of_class = "class { 'weave': docker_cluster_peers => ['192.0.2.1'], router => { 'mtu' => 1400 } }"
    for manifest in (f"{of_class}\n{launch}", f"{launch}\n{of_class}"):
        made = compiled(tmp_path, "east.example.com", manifest)
        assert made["Weave_router weave"] == {"peers": "192.0.2.9", "mtu": 1400}
        assert {name for name in made if name.startswith("Weave_exposure")} == {
            "Weave_exposure 10.9.0.1/16",
            "Weave_exposure 10.0.0.1/16",
        }
    absent = compiled(tmp_path, "east.example.com", f"class {{ 'weave': ensure => absent }}\n{launch}")
    assert {name: fields["ensure"] for name, fields in absent.items()} == {"Weave_host weave": "absent"}
