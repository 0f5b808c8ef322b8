// A site of two pages in Vue, and people who log in and out.
import { type App, createApp, h, ref } from 'vue';
import { useChat } from './use-chat';

const Site = {
  setup() {
    const path = ref('/one');
    const userId = ref<string | null>(null);
    useChat(userId);
    const go = (to: string) => {
      history.pushState({}, '', to);
      path.value = to;
    };
    return () =>
      h('main', { key: path.value }, [
        h('h1', path.value),
        h('button', { onClick: () => go('/two') }, 'Next page'),
        ...['alice', 'bob', null].map((id) => h('button', { onClick: () => (userId.value = id) }, `I am ${id ?? 'nobody'}`)),
      ]);
  },
};

let app: App;
const site = {
  mount() {
    app = createApp(Site);
    app.mount('#app');
  },
  unmount() {
    app.unmount();
  },
};
Object.assign(window, { site });
site.mount();
