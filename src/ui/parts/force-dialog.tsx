import { useRef, useState } from 'preact/hooks'
import { post, type AnswerError } from '../api.ts'
import { Trouble } from './trouble.tsx'

/** The Force button of a builder, with a small form behind it. */
export function ForceButton({ builder }: { builder: string }) {
  const dialog = useRef<HTMLDialogElement>(null)
  const [error, setError] = useState<AnswerError>()
  const force = async (event: SubmitEvent) => {
    event.preventDefault()
    const form = event.currentTarget as HTMLFormElement
    const given = [...new FormData(form)].filter(([, value]) => value !== '')
    try {
      await post(`/builders/${encodeURIComponent(builder)}/force`, Object.fromEntries(given))
      setError(undefined)
      form.reset()
      dialog.current!.close()
    } catch (failure) {
      setError(failure as AnswerError)
    }
  }
  return (
    <>
      <button type="button" onClick={() => dialog.current!.showModal()}>
        Force
      </button>
      <dialog ref={dialog}>
        <form onSubmit={(event) => void force(event)}>
          <h2>Build {builder} now</h2>
          <Field name="branch" hint="the default branch" />
          <Field name="revision" hint="the newest of the branch" />
          <Field name="reason" hint="why you want it" />
          <Trouble error={error} />
          <footer>
            <button type="button" onClick={() => dialog.current!.close()}>
              Close
            </button>
            <button type="submit" class="primary">
              Force
            </button>
          </footer>
        </form>
      </dialog>
    </>
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
