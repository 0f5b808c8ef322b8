// How does text get to the clipboard where the page forbids the clipboard API? The old command works on a selection.

export function copyByCommand(text: string, beside: HTMLElement): void {
  const field = document.createElement('textarea');
  field.value = text;
  field.className = 'unseen';
  beside.after(field);
  field.select();
  document.execCommand('copy');
  field.remove();
  beside.focus();
}
