// A site of two pages in React, and people who log in and out.
import { StrictMode, useState } from 'react';
import { createRoot } from 'react-dom/client';
import { useChat } from './use-chat';

function Site() {
  const [path, setPath] = useState('/one');
  const [userId, setUserId] = useState(null);
  useChat(userId);
  const go = (to) => (history.pushState({}, '', to), setPath(to));
  return (
    <main key={path}>
      <h1>{path}</h1>
      <button onClick={() => go('/two')}>Next page</button>
      {['alice', 'bob', null].map((id) => (
        <button key={id} onClick={() => setUserId(id)}>{`I am ${id ?? 'nobody'}`}</button>
      ))}
    </main>
  );
}

const place = document.querySelector('#app');
window.site = {
  mount() {
    this.root = createRoot(place);
    this.root.render(<StrictMode><Site /></StrictMode>);
  },
  unmount() {
    this.root.unmount();
  },
};
window.site.mount();
