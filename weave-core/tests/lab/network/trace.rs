//! Killing a program at an exact place: after its n-th act, wherever that is.
//!
//! What a program does to the world it does by system calls, so the states in which SIGKILL can leave the world are
//! those between two of them. The program is traced, its acts are counted, and after the n-th it is killed. Timers hit
//! the same few places again and again; this hits each once.

use std::collections::HashSet;
use std::fs;
use std::io::IoSliceMut;
use std::process::{Command, Stdio};

use nix::errno::Errno;
use nix::libc;
use nix::sys::ptrace::{self, Options};
use nix::sys::signal::{Signal, kill};
use nix::sys::uio::{RemoteIoVec, process_vm_readv};
use nix::sys::wait::{WaitPidFlag, WaitStatus, waitpid};
use nix::unistd::Pid;

/// How a traced program ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum End {
    /// It was killed after its n-th act.
    Killed,
    /// It did fewer acts than that, and exited with this code.
    Exited(i32),
}

/// Runs a command and kills it after its `nth` act, counted from 0.
pub(crate) fn kill_after(command: &Command, nth: usize) -> End {
    let leader = start_stopped(command);
    let mut trace = Trace { leader, inside: HashSet::new(), left: nth };
    ptrace::seize(leader, Options::PTRACE_O_TRACESYSGOOD | Options::PTRACE_O_TRACECLONE | Options::PTRACE_O_EXITKILL)
        .expect("to trace a child");
    kill(leader, Signal::SIGCONT).expect("a child that waits");
    trace.run()
}

/// Starts a command in a shell that stops before it becomes the command.
#[allow(clippy::zombie_processes, reason = "the trace waits for it by its number")]
fn start_stopped(command: &Command) -> Pid {
    let mut shell = Command::new("sh");
    shell.args(["-c", "kill -STOP $$; exec \"$@\"", "sh"]).arg(command.get_program()).args(command.get_args());
    for (name, value) in command.get_envs() {
        shell.env(name, value.unwrap_or_default());
    }
    shell.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    let child = shell.spawn().expect("a shell");
    let pid = Pid::from_raw(i32::try_from(child.id()).expect("a pid"));
    let stopped = waitpid(pid, Some(WaitPidFlag::WUNTRACED)).expect("a child");
    assert!(matches!(stopped, WaitStatus::Stopped(..)), "{stopped:?}");
    pid
}

struct Trace {
    leader: Pid,
    /// Threads that are between entry and exit of a system call.
    inside: HashSet<Pid>,
    /// Acts until the end.
    left: usize,
}

impl Trace {
    fn run(&mut self) -> End {
        let mut killed = false;
        loop {
            // Children of other threads of this test program are not ours to wait for.
            match waitpid(Pid::from_raw(-1), Some(WaitPidFlag::__WALL | WaitPidFlag::__WNOTHREAD)) {
                Ok(WaitStatus::Exited(pid, code)) if pid == self.leader => return End::Exited(code),
                Ok(WaitStatus::Signaled(pid, ..)) if pid == self.leader => return End::Killed,
                Ok(WaitStatus::PtraceSyscall(pid)) if !killed => {
                    if self.acted(pid) && self.is_over() {
                        killed = true;
                        kill(self.leader, Signal::SIGKILL).expect("a child that is stopped");
                    } else {
                        resume(pid, None);
                    }
                }
                Ok(WaitStatus::Stopped(pid, signal)) => resume(pid, Some(signal)),
                Ok(WaitStatus::PtraceEvent(pid, ..)) => resume(pid, None),
                Ok(_) | Err(Errno::EINTR) => {}
                Err(error) => panic!("wait for {}: {error}", self.leader),
            }
        }
    }

    /// Whether a thread has just come back from an act.
    fn acted(&mut self, pid: Pid) -> bool {
        if self.inside.insert(pid) {
            return false;
        }
        self.inside.remove(&pid);
        // The number and the arguments stand there until the thread goes on; "running" where it is gone.
        let line = fs::read_to_string(format!("/proc/{}/task/{pid}/syscall", self.leader)).unwrap_or_default();
        let mut words = line.split_whitespace();
        let number = words.next().and_then(|word| word.parse().ok());
        let arguments: Vec<u64> = words.map(|word| parse_hex(word).unwrap_or(0)).collect();
        number.is_some_and(|number| is_act(pid, number, &arguments))
    }

    fn is_over(&mut self) -> bool {
        match self.left.checked_sub(1) {
            Some(left) => self.left = left,
            None => return true,
        }
        false
    }
}

fn parse_hex(word: &str) -> Option<u64> {
    u64::from_str_radix(word.strip_prefix("0x")?, 16).ok()
}

/// Whether a system call changes what others see: a message to the kernel that is no question, bytes in a file or to
/// another program, another program.
fn is_act(pid: Pid, number: libc::c_long, arguments: &[u64]) -> bool {
    let [first, second, ..] = arguments else { return false };
    match number {
        libc::SYS_sendto => {
            // Of every four messages about links, addresses, routes and neighbours, the third is the question.
            let kind = memory(pid, *second).map_or(0, |bytes| u16::from_ne_bytes([bytes[4], bytes[5]]));
            !((16..128).contains(&kind) && kind & 3 == 2)
        }
        libc::SYS_sendmsg | libc::SYS_sendmmsg => true,
        libc::SYS_write | libc::SYS_writev => {
            let file = fs::read_link(format!("/proc/{pid}/fd/{first}")).unwrap_or_default();
            // A thread that wakes another, and what is printed for the user, whom there is none.
            !["eventfd", "/dev/null"].iter().any(|nobody| file.to_string_lossy().contains(nobody))
        }
        libc::SYS_clone => first & THREAD == 0,
        libc::SYS_clone3 => memory(pid, *first).is_none_or(|flags| u64::from_ne_bytes(flags) & THREAD == 0),
        _ => false,
    }
}

const THREAD: u64 = libc::CLONE_THREAD as u64;

/// Eight bytes of a stopped thread's memory.
fn memory(pid: Pid, address: u64) -> Option<[u8; 8]> {
    let mut bytes = [0; 8];
    let base = usize::try_from(address).ok()?;
    let read = process_vm_readv(pid, &mut [IoSliceMut::new(&mut bytes)], &[RemoteIoVec { base, len: 8 }]);
    (read == Ok(8)).then_some(bytes)
}

fn resume(pid: Pid, signal: Option<Signal>) {
    match ptrace::syscall(pid, signal) {
        // A thread that was killed meanwhile cannot go on.
        Ok(()) | Err(Errno::ESRCH) => {}
        Err(error) => panic!("resume {pid}: {error}"),
    }
}

#[test]
fn each_act_is_a_place_to_stop_at() {
    let dir = tempfile::tempdir().expect("a directory");
    let file = dir.path().join("lines");
    let mut command = Command::new("sh");
    command.args(["-c", "for n in 1 2 3; do echo $n; done >\"$0\""]).arg(&file);
    for lines in 1..=3 {
        assert_eq!(kill_after(&command, lines - 1), End::Killed);
        assert_eq!(fs::read_to_string(&file).expect("a file").lines().count(), lines);
    }
    assert_eq!(kill_after(&command, 3), End::Exited(0));
}
