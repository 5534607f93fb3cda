//! A program that waits for ever, in the machine's own language: there is no smaller one, and none to be fetched.

/// A kind of machine, and the program for it.
pub(super) struct Machine {
    /// The name that Rust has for it.
    pub(super) name: &'static str,
    /// The name that Docker has for it.
    pub(super) docker: &'static str,
    /// The number that ELF has for it (`e_machine`).
    number: u16,
    /// The instructions.
    code: &'static [u8],
}

/// The machines that there is a program for.
pub(super) const MACHINES: &[Machine] = &[
    Machine {
        name: "x86_64",
        docker: "amd64",
        number: 62,
        code: &[
            0xb8, 0x22, 0x00, 0x00, 0x00, // start: mov eax, 34 (pause)
            0x0f, 0x05, // syscall
            0xeb, 0xf7, // jmp start
        ],
    },
    Machine {
        name: "aarch64",
        docker: "arm64",
        number: 183,
        code: &[
            0x00, 0x00, 0x80, 0xd2, // start: mov x0, 0 (no files)
            0x01, 0x00, 0x80, 0xd2, // mov x1, 0 (how many)
            0x02, 0x00, 0x80, 0xd2, // mov x2, 0 (no end)
            0x03, 0x00, 0x80, 0xd2, // mov x3, 0 (signals as they are)
            0x28, 0x09, 0x80, 0xd2, // mov x8, 73 (ppoll)
            0x01, 0x00, 0x00, 0xd4, // svc 0
            0xfa, 0xff, 0xff, 0x17, // b start
        ],
    },
];

/// Where it is in memory, as linkers have it.
const BASE: u64 = 0x40_0000;

/// Bytes before the code: the header of the file, and that of the one segment.
const HEADERS: u16 = 64 + 56;

/// The program as a file of 64 bits, lowest byte first (ELF, chapters 4 and 5).
pub(super) fn elf(machine: &Machine) -> Vec<u8> {
    let size = u64::from(HEADERS) + machine.code.len() as u64;
    let mut file = Vec::new();
    file.extend(b"\x7fELF");
    // 64 bits, lowest byte first, version 1, no ABI of its own, and room.
    file.extend([2, 1, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0]);
    let half =
        |file: &mut Vec<u8>, numbers: &[u16]| numbers.iter().for_each(|number| file.extend(number.to_le_bytes()));
    let word =
        |file: &mut Vec<u8>, numbers: &[u32]| numbers.iter().for_each(|number| file.extend(number.to_le_bytes()));
    let long =
        |file: &mut Vec<u8>, numbers: &[u64]| numbers.iter().for_each(|number| file.extend(number.to_le_bytes()));
    // A program, for this machine.
    half(&mut file, &[2, machine.number]);
    word(&mut file, &[1]);
    // Where it begins, where the segments are told of, and that there are no sections.
    long(&mut file, &[BASE + u64::from(HEADERS), 64, 0]);
    word(&mut file, &[0]);
    // Size of this header; size and number of the segments' headers; none of sections.
    half(&mut file, &[64, 56, 1, 0, 0, 0]);
    // To load, to read and to execute.
    word(&mut file, &[1, 5]);
    // From the start of the file to the base, in memory and by address; its size, in file and memory; the largest page.
    long(&mut file, &[0, BASE, BASE, size, size, 0x1_0000]);
    file.extend(machine.code);
    file
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;
    use std::process::Command;

    use super::*;

    /// Runs on the machine that the tests run on; the other program is compared with what an assembler makes of it.
    #[test]
    fn it_runs_until_it_is_killed() {
        let machine =
            MACHINES.iter().find(|machine| machine.name == std::env::consts::ARCH).expect("a machine we know");
        let path = std::env::temp_dir().join(format!("weave-wait-{}", std::process::id()));
        std::fs::write(&path, elf(machine)).expect("a file");
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o755)).expect("its mode");
        let mut child = Command::new(&path).spawn().expect("a process");
        let stat = format!("/proc/{}/stat", child.id());
        // Asleep in the call that never comes back.
        let asleep = || std::fs::read_to_string(&stat).is_ok_and(|text| text.contains(") S "));
        while !asleep() {
            assert!(child.try_wait().expect("its state").is_none(), "it ended");
            std::thread::yield_now();
        }
        child.kill().expect("a signal");
        assert_eq!(std::os::unix::process::ExitStatusExt::signal(&child.wait().expect("its end")), Some(9));
        std::fs::remove_file(path).expect("the file");
    }

    /// The words of the instruction set (Arm A64): move a number, call the kernel, branch.
    #[test]
    fn the_words_for_arm_are_what_they_say() {
        let mov = |register: u32, number: u32| 0xd280_0000 | number << 5 | register;
        let branch = |words: i32| 0x1400_0000 | (words as u32 & 0x03ff_ffff);
        let wanted = [mov(0, 0), mov(1, 0), mov(2, 0), mov(3, 0), mov(8, 73), 0xd400_0001, branch(-6)];
        let code = MACHINES[1].code.chunks(4).map(|word| u32::from_le_bytes(word.try_into().expect("four bytes")));
        assert_eq!(code.collect::<Vec<_>>(), wanted);
    }
}
