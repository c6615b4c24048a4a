import { BackendError } from '../../src/latent/backend-error.ts'
import { codes, hasCode, LibvirtError } from './libvirt-error.ts'

/** What libvirt said, with advice: REJECTED where the template is wrong, CAPACITY where the host has run out of something. */
export function explainFailure(error: unknown): unknown {
  if (!(error instanceof LibvirtError)) return error
  const { message } = error
  if (capacity.test(message)) return new BackendError('CAPACITY', message, { cause: error })
  const wrong = rejections.find(({ is }) => is(error))
  if (wrong) return new BackendError('REJECTED', `${wrong.option}${message}`, { cause: error })
  const advice = advices.find(({ pattern }) => pattern.test(message))?.say
  return advice === undefined ? error : new Error(`${message}. ${advice}`, { cause: error })
}

const capacity =
  /cannot allocate memory|no space left on device|disk quota exceeded|cannot set up guest memory|too many open files|resource temporarily unavailable|address pool|no more available PCI/i

const rejections: readonly { is: (error: LibvirtError) => boolean; option: string }[] = [
  { is: (error) => hasCode(error, codes.noPool), option: 'pool: ' },
  { is: (error) => hasCode(error, codes.noNetwork), option: 'network: ' },
  {
    is: ({ message }) => /cannot get interface mtu on '|bridge .* does not exist/i.test(message),
    option: 'network: ',
  },
  {
    is: ({ message }) =>
      /invalid kernel header|could not (load|open) (kernel|initrd|'[^']*(vmlinu|initrd))/i.test(message),
    option: 'boot: ',
  },
  {
    is: ({ message }) =>
      message.startsWith('cannot create') &&
      /could not open '|no such file|failed to get .* size/i.test(message),
    option: 'image: ',
  },
  {
    is: ({ message }) =>
      /does not support machine type|machine type .* (not supported|unsupported)|no pci buses available/i.test(
        message,
      ),
    option: 'machine: ',
  },
  {
    is: ({ message }) => /maximum v?cpus|vcpu.* (exceed|greater|supported)/i.test(message),
    option: 'cpus: ',
  },
  {
    is: (error) =>
      wrongXml.has(error.code) ||
      (error.code === codes.invalidArgument && error.message.startsWith('cannot define')),
    option: '',
  },
]

const advices: readonly { pattern: RegExp; say: string }[] = [
  {
    pattern: /host key verification failed|permission denied \(|publickey|could not resolve hostname/i,
    say: "The master's user must be able to log in there by ssh without being asked anything; try it with virsh -c and the same URI.",
  },
  {
    pattern: /failed to connect socket.*permission denied|authentication|polkit|access denied/i,
    say: "The master's user must be in the group libvirt (usermod -aG libvirt USER), and be logged in anew.",
  },
  {
    pattern: /failed to connect socket|cannot recv data|end of file while reading|client socket is closed/i,
    say: 'Is libvirt running there (systemctl status libvirtd, or virtqemud.socket), and is the URI right?',
  },
  {
    pattern: /pool .* is not active/i,
    say: 'Start it: virsh pool-start NAME, and virsh pool-autostart NAME.',
  },
  {
    pattern: /network .* is not active/i,
    say: 'Start it: virsh net-start NAME, and virsh net-autostart NAME.',
  },
]

const wrongXml = new Set<number>([
  codes.xmlError,
  codes.xmlDetail,
  codes.configUnsupported,
  codes.invalidSchema,
])
