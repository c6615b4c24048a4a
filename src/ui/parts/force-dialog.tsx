import { useLayoutEffect, useRef, useState } from 'preact/hooks'
import { post, type AnswerError } from '../api.ts'
import { Trouble } from './trouble.tsx'

/** The Force button of a builder, with a small form behind it. */
export function ForceButton({ builder }: { builder: string }) {
  const [isOpen, setOpen] = useState(false)
  return (
    <>
      <button type="button" onClick={() => setOpen(true)}>
        Force
      </button>
      {isOpen && <ForceDialog builder={builder} onClose={() => setOpen(false)} />}
    </>
  )
}

function ForceDialog({ builder, onClose }: { builder: string; onClose: () => void }) {
  const dialog = useRef<HTMLDialogElement>(null)
  const [error, setError] = useState<AnswerError>()
  const [isBusy, setBusy] = useState(false)
  useLayoutEffect(() => dialog.current!.showModal(), [])

  const force = async (event: SubmitEvent) => {
    event.preventDefault()
    const given = [...new FormData(event.currentTarget as HTMLFormElement)].filter(
      ([, value]) => value !== '',
    )
    setBusy(true)
    try {
      await post(`/builders/${encodeURIComponent(builder)}/force`, Object.fromEntries(given))
      onClose()
    } catch (failure) {
      setError(failure as AnswerError)
      setBusy(false)
    }
  }
  return (
    <dialog ref={dialog} onClose={onClose}>
      <form onSubmit={(event) => void force(event)}>
        <h2>Build {builder} now</h2>
        <Field name="branch" hint="the default branch" />
        <Field name="revision" hint="the newest of the branch" />
        <Field name="reason" hint="why you want it" />
        <Trouble error={error} />
        <footer>
          <button type="button" onClick={onClose}>
            Close
          </button>
          <button type="submit" class="primary" disabled={isBusy}>
            Force
          </button>
        </footer>
      </form>
    </dialog>
  )
}

function Field({ name, hint }: { name: string; hint: string }) {
  return (
    <label>
      <span>{name}</span>
      <input name={name} placeholder={hint} autocomplete="off" maxlength={1024} />
    </label>
  )
}
